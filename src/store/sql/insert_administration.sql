INSERT INTO administration_log (id, at, action, target, by_client) VALUES ($1, $2, $3, $4, $5)
