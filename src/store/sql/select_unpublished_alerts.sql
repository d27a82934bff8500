SELECT id, rule, once, dataset, subject, mismatch, agency, facts, at, class, severity, state, revision, entries, evidence, updated_at FROM alerts WHERE is_published = 0 ORDER BY at, id LIMIT $1
