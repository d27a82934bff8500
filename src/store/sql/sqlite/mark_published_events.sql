UPDATE events SET is_published = 1 WHERE (subject, id) IN (SELECT unhex(value ->> 0), value ->> 1 FROM json_each($1)) AND is_published = 0
