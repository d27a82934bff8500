SELECT seq, id, kind, dataset, subject, version, mismatch, agency, facts, at FROM events WHERE is_published = 0 ORDER BY seq LIMIT $1
