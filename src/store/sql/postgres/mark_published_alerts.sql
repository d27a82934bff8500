UPDATE alerts SET is_published = 1 WHERE id IN (SELECT value FROM json_array_elements_text(CAST($1 AS json))) AND is_published + 0 = 0
