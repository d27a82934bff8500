SELECT id, agency, dataset, fields, operations, item_codes, valid_from, valid_until, daily_ceiling, networks, revoked_at, created_at FROM grants ORDER BY id
