SELECT group_concat(concat_ws(char(31), k.key, r.version, r.received_at, r.fields), char(30))
FROM json_each($2) AS k
CROSS JOIN records AS r ON r.dataset = $1 AND r.subject = unhex(k.value)
