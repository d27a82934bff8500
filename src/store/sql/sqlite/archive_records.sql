INSERT INTO record_versions (dataset, subject, version, source_version, effective_at, received_at, source, identifiers, fields)
SELECT r.dataset, r.subject, r.version, r.source_version, r.effective_at, r.received_at, r.source, r.identifiers, r.fields
FROM json_each($1) AS k
CROSS JOIN records AS r ON r.dataset = k.value ->> 0 AND r.subject = unhex(k.value ->> 1)
WHERE r.version = k.value ->> 2
