INSERT INTO used_once (hash, until) VALUES ($1, $2) ON CONFLICT (hash) DO NOTHING
