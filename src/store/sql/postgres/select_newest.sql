SELECT string_agg(concat_ws(chr(31), k.nth - 1, r.version, r.received_at, r.fields), chr(30))
FROM json_array_elements_text(CAST($2 AS json)) WITH ORDINALITY AS k (subject, nth)
JOIN records AS r ON r.dataset = $1 AND r.subject = decode(k.subject, 'hex')
