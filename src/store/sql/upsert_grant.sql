INSERT INTO grants (id, agency, dataset, fields, operations, item_codes, valid_from, valid_until, daily_ceiling, networks, revoked_at, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
ON CONFLICT (id) DO UPDATE SET
    fields = excluded.fields,
    operations = excluded.operations,
    item_codes = excluded.item_codes,
    valid_from = excluded.valid_from,
    valid_until = excluded.valid_until,
    daily_ceiling = excluded.daily_ceiling,
    networks = excluded.networks,
    revoked_at = excluded.revoked_at
WHERE grants.agency = excluded.agency AND grants.dataset = excluded.dataset
