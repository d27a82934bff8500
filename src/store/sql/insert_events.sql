INSERT INTO events (id, kind, dataset, subject, version, mismatch, agency, facts, at, is_fanned, is_published)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
