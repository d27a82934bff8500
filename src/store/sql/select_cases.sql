SELECT c.id, c.lead, c.state, c.until, c.revision, c.facts, c.created_at, c.updated_at FROM case_parties AS p JOIN cases AS c ON c.id = p.case_id
WHERE p.agency = $1 AND p.case_id > $2 ORDER BY p.case_id LIMIT $3
