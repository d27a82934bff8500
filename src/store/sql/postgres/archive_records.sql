INSERT INTO record_versions (dataset, subject, version, source_version, effective_at, received_at, source, identifiers, fields)
SELECT r.dataset, r.subject, r.version, r.source_version, r.effective_at, r.received_at, r.source, r.identifiers, r.fields
FROM json_array_elements(CAST($1 AS json)) AS k
JOIN records AS r ON r.dataset = k.value ->> 0 AND r.subject = decode(k.value ->> 1, 'hex')
WHERE r.version = CAST(k.value ->> 2 AS bigint)
