SELECT id, dataset, subject, agency, matter, fields, record_version, state, is_final, due_on, awaits, revision, opened_at, updated_at, facts, expires_at FROM mismatches
WHERE subject = $2 AND id > '' AND dataset = $1 AND matter = $3 AND fields = $4
ORDER BY is_final, id DESC
LIMIT 1
