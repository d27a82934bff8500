SELECT k.nth - 1, r.version, r.source_version, r.effective_at, r.received_at, r.source, r.identifiers, r.fields
FROM json_array_elements_text(CAST($2 AS json)) WITH ORDINALITY AS k (subject, nth)
JOIN records AS r ON r.dataset = $1 AND r.subject = decode(k.subject, 'hex')
