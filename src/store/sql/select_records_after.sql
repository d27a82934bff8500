SELECT subject, version, source_version, effective_at, received_at, source, identifiers, fields
FROM records
WHERE dataset = $1 AND subject > $2
ORDER BY subject
LIMIT $3
