SELECT id, agency, dataset, subject, state, until, next_at, revision, facts, created_at, updated_at FROM watches WHERE id = $1
