SELECT id, agency, dataset, subject, state, until, next_at, revision, facts, created_at, updated_at FROM watches
WHERE state <> 'ended' AND next_at <= $1 ORDER BY next_at LIMIT $2
