SELECT id, rule, once, dataset, subject, mismatch, agency, facts, at FROM alerts WHERE is_published = 0 ORDER BY at, id LIMIT $1
