WITH RECURSIVE found (dataset) AS (
    SELECT min(dataset) FROM mismatches
    UNION ALL
    SELECT (SELECT min(m.dataset) FROM mismatches AS m WHERE m.dataset > found.dataset) FROM found WHERE found.dataset IS NOT NULL
)
SELECT dataset FROM found WHERE dataset IS NOT NULL
