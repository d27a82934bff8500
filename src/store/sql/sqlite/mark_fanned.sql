UPDATE events SET is_fanned = 1 WHERE id IN (SELECT value FROM json_each($1)) AND is_fanned = 0
