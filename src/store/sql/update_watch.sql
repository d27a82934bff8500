UPDATE watches SET state = $3, next_at = $4, revision = $5, facts = $6, updated_at = $7
WHERE subject = $1 AND id = $2 AND revision = $5 - 1
