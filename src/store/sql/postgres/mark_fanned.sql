UPDATE events SET is_fanned = 1 WHERE (subject, id) IN (SELECT decode(value ->> 0, 'hex'), value ->> 1 FROM json_array_elements(CAST($1 AS json))) AND is_fanned + 0 = 0
