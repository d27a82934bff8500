SELECT id, dataset, subject, agency, matter, fields, record_version, state, is_final, due_on, awaits, revision, opened_at, updated_at, facts, expires_at FROM mismatches
WHERE due_on IS NULL AND state IN ('open', 'disputed')
ORDER BY id
LIMIT $1
