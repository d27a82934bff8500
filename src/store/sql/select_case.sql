SELECT c.id, c.lead, c.state, c.until, c.revision, c.facts, c.created_at, c.updated_at FROM cases AS c WHERE c.id = $1
