SELECT state, count(*), min(created_at) FROM deliveries WHERE state IN ('pending', 'dead') GROUP BY state
