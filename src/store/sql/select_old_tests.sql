SELECT 'delivery', d.state, count(*) FROM events AS e CROSS JOIN deliveries AS d
WHERE e.kind = 'test' AND e.at < $1 AND d.subject = e.subject AND d.event = e.id AND d.state IN ('pending', 'dead') GROUP BY d.state
UNION ALL SELECT 'unpublished', 'events', count(*) FROM events WHERE kind = 'test' AND at < $1 AND is_published = 0
