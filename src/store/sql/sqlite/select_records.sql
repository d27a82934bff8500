SELECT k.key, r.version, r.source_version, r.effective_at, r.received_at, r.source, r.identifiers, r.fields
FROM json_each($2) AS k
CROSS JOIN records AS r ON r.dataset = $1 AND r.subject = unhex(k.value)
