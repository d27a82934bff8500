WITH RECURSIVE found (origin) AS (
    SELECT min(origin) FROM supervision_entries
    UNION ALL
    SELECT (SELECT min(e.origin) FROM supervision_entries AS e WHERE e.origin > found.origin) FROM found WHERE found.origin IS NOT NULL
)
SELECT origin FROM found WHERE origin IS NOT NULL
