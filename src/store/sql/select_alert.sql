SELECT id, rule, once, dataset, subject, mismatch, agency, facts, at, class, severity, state, revision, entries, evidence, updated_at FROM alerts WHERE id = $1
