INSERT INTO deliveries (id, event, target, subject, reason, state, attempts, next_at, created_at, updated_at)
VALUES (?, ?, ?, ?, ?, 'pending', 0, ?, ?, ?)
ON CONFLICT (event, target) DO NOTHING
