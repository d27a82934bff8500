INSERT INTO deliveries (id, event, target, subject, reason, state, attempts, next_at, created_at, updated_at, agency)
VALUES ($1, $2, $3, $4, $5, 'pending', 0, $6, $7, $8, $9)
ON CONFLICT (subject, event, target) DO NOTHING
