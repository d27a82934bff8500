UPDATE events SET is_published = 1 WHERE id IN (SELECT value FROM json_each($1)) AND is_published = 0
