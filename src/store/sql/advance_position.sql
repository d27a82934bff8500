INSERT INTO positions (name, position, updated_at)
VALUES ($1, $2, $3)
ON CONFLICT (name) DO UPDATE SET position = excluded.position, updated_at = excluded.updated_at WHERE positions.position = $4
