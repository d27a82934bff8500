DELETE FROM deliveries WHERE (subject, event) IN (SELECT subject, id FROM events WHERE kind = 'test' AND at < $1)
