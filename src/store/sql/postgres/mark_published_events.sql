UPDATE events SET is_published = 1 WHERE (subject, id) IN (SELECT decode(value ->> 0, 'hex'), value ->> 1 FROM json_array_elements(CAST($1 AS json))) AND is_published + 0 = 0
