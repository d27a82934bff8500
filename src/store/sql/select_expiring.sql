SELECT 'mismatch', state, count(*)
FROM (SELECT state FROM mismatches WHERE expires_at < $1 ORDER BY expires_at, id LIMIT 1000) AS ending GROUP BY state
UNION ALL SELECT 'due', due_on, count(*)
FROM (SELECT due_on, is_final FROM mismatches WHERE expires_at < $1 ORDER BY expires_at, id LIMIT 1000) AS ending
WHERE is_final = 0 AND due_on IS NOT NULL GROUP BY due_on
