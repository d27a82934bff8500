SELECT id, agency, dataset, subject, state, until, next_at, revision, facts, created_at, updated_at FROM watches
WHERE agency = $1 AND ($2 IS NULL OR state = $2) AND ($3 IS NULL OR id > $3) ORDER BY id LIMIT $4
