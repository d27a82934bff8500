SELECT 1 FROM mismatches WHERE awaits IN (SELECT value FROM json_array_elements_text(CAST($1 AS json))) AND is_told = 0
ORDER BY id
FOR UPDATE
