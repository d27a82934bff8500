SELECT 'mismatch', state, count(*) FROM mismatches WHERE expires_at < $1 GROUP BY state
UNION ALL SELECT 'due', due_on, count(*) FROM mismatches WHERE expires_at < $1 AND is_final = 0 AND due_on IS NOT NULL GROUP BY due_on
UNION ALL SELECT 'delivery', state, count(*) FROM deliveries
WHERE state IN ('pending', 'dead') AND (subject, event) IN (SELECT subject, id FROM events WHERE kind = 'test' AND at < $2) GROUP BY state
UNION ALL SELECT 'unpublished', 'events', count(*) FROM events WHERE kind = 'test' AND at < $2 AND is_published = 0
