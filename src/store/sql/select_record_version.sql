SELECT 0, version, source_version, effective_at, received_at, source, identifiers, fields
FROM records
WHERE dataset = $1 AND subject = $2 AND version = $3
UNION ALL
SELECT 0, version, source_version, effective_at, received_at, source, identifiers, fields
FROM record_versions
WHERE dataset = $1 AND subject = $2 AND version = $3
