SELECT 1 FROM json_each($1) AS k
CROSS JOIN mismatches AS m ON m.subject = unhex(k.value ->> 0) AND m.id > '' AND m.dataset = k.value ->> 1 AND m.matter = unhex(k.value ->> 2) AND m.fields = k.value ->> 3
LIMIT 1
