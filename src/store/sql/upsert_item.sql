INSERT INTO items (code, version, body, updated_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (code) DO UPDATE SET version = excluded.version, body = excluded.body, updated_at = excluded.updated_at
WHERE items.version < excluded.version
