INSERT INTO records (dataset, subject, version, source_version, effective_at, received_at, source, identifiers, fields)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (dataset, subject) DO NOTHING
