UPDATE mismatches SET state = $3, is_final = $4, due_on = $5, awaits = $6, revision = $7, updated_at = $8, facts = $9, record_version = $10, is_told = 0, expires_at = NULL
WHERE subject = $1 AND id = $2 AND revision = $7 - 1
