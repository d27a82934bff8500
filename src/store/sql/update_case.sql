UPDATE cases SET state = $2, revision = $3, facts = $4, updated_at = $5 WHERE id = $1 AND revision = $3 - 1
