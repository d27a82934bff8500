insert into grants
    (id, agency, dataset, fields, operations, item_codes, valid_from, valid_until, daily_ceiling, networks, revoked_at,
     created_at)
values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
on conflict (id) do update set revoked_at = excluded.revoked_at
