UPDATE alerts SET state = $2, revision = $3, updated_at = $4 WHERE id = $1 AND revision = $3 - 1
