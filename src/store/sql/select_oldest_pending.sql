SELECT created_at FROM deliveries WHERE state = 'pending' ORDER BY seq LIMIT 1
