INSERT INTO parked_keys (topic, key, at)
VALUES ($1, $2, $3)
ON CONFLICT (topic, key) DO NOTHING
