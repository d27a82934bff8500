UPDATE watches SET state = $2, next_at = $3, revision = $4, facts = $5, updated_at = $6
WHERE id = $1 AND revision = $4 - 1
