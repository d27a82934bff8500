UPDATE events SET is_fanned = 1 WHERE id IN (SELECT value FROM json_array_elements_text(CAST($1 AS json))) AND is_fanned = 0
