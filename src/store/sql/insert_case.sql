INSERT INTO cases (id, lead, state, until, revision, facts, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
