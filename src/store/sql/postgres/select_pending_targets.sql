WITH RECURSIVE found (target) AS (
    SELECT min(target) FROM deliveries WHERE state = 'pending'
    UNION ALL
    SELECT (SELECT min(d.target) FROM deliveries AS d WHERE d.state = 'pending' AND d.target > found.target) FROM found WHERE found.target IS NOT NULL
)
SELECT target, (SELECT min(d.next_at) FROM deliveries AS d WHERE d.state = 'pending' AND d.target = found.target) FROM found WHERE target IS NOT NULL
