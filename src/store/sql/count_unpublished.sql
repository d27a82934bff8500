SELECT 'events', count(*) FROM events WHERE is_published = 0
UNION ALL
SELECT 'alerts', count(*) FROM alerts WHERE is_published = 0
