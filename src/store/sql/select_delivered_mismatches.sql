SELECT id, dataset, subject, agency, matter, fields, record_version, state, is_final, due_on, awaits, revision, opened_at, updated_at, facts, expires_at FROM mismatches
WHERE is_told = 1
LIMIT $1
