UPDATE mismatches SET state = $2, is_final = $3, due_on = $4, awaits = $5, revision = $6, updated_at = $7, facts = $8, record_version = $9, is_told = 0
WHERE id = $1 AND revision = $6 - 1
