SELECT 1 FROM mismatches WHERE (subject, awaits) IN (SELECT decode(value ->> 0, 'hex'), value ->> 1 FROM json_array_elements(CAST($1 AS json))) AND is_told = 0
ORDER BY id
FOR UPDATE
