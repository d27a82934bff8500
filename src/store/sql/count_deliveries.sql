SELECT state, count(*), min(created_at) FROM deliveries GROUP BY state
