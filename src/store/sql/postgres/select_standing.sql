SELECT 1 FROM json_array_elements(CAST($1 AS json)) AS k (value)
JOIN mismatches AS m ON m.subject = decode(k.value ->> 0, 'hex') AND m.dataset = k.value ->> 1 AND m.matter = decode(k.value ->> 2, 'hex') AND m.fields = k.value ->> 3
LIMIT 1
