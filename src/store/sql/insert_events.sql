INSERT INTO events (id, kind, dataset, subject, version, mismatch, agency, facts, at, is_fanned)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0)
