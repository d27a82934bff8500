INSERT INTO watches (id, agency, dataset, subject, state, until, next_at, revision, facts, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
