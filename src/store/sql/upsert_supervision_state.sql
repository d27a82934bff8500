INSERT INTO supervision_state (name, body, updated_at) VALUES ($1, $2, $3)
ON CONFLICT (name) DO UPDATE SET body = excluded.body, updated_at = excluded.updated_at
