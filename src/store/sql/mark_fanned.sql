UPDATE events SET is_fanned = 1 WHERE id = ?1 AND is_fanned = 0
