INSERT INTO asks (id, origin, question, asked_at) VALUES ($1, $2, $3, $4)
