INSERT INTO supervision_entries (origin, node, first, next, body) VALUES ($1, $2, $3, $4, $5)
