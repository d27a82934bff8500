SELECT 'mismatch', state, count(*)
FROM (SELECT state FROM mismatches WHERE expires_at < $1 ORDER BY expires_at, id LIMIT 1000) AS ending GROUP BY state
UNION ALL SELECT 'due', due_on, count(*)
FROM (SELECT due_on, is_final FROM mismatches WHERE expires_at < $1 ORDER BY expires_at, id LIMIT 1000) AS ending
WHERE is_final = 0 AND due_on IS NOT NULL GROUP BY due_on
UNION ALL SELECT 'delivery', d.state, count(*) FROM events AS e CROSS JOIN deliveries AS d
WHERE e.kind = 'test' AND e.at < $2 AND d.subject = e.subject AND d.event = e.id AND d.state IN ('pending', 'dead') GROUP BY d.state
UNION ALL SELECT 'unpublished', 'events', count(*) FROM events WHERE kind = 'test' AND at < $2 AND is_published = 0
