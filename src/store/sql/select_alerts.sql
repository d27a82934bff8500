SELECT id, rule, once, dataset, subject, mismatch, agency, facts, at FROM alerts ORDER BY at DESC, id DESC LIMIT $1
