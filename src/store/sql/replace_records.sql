INSERT INTO records (dataset, subject, version, source_version, effective_at, received_at, source, identifiers, fields)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (dataset, subject) DO UPDATE SET
    version = excluded.version,
    source_version = excluded.source_version,
    effective_at = excluded.effective_at,
    received_at = excluded.received_at,
    source = excluded.source,
    identifiers = excluded.identifiers,
    fields = excluded.fields
WHERE records.version < excluded.version
