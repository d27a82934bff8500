INSERT INTO leases (name, holder, until)
VALUES ($1, $2, CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint) + $3)
ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until
WHERE leases.holder = excluded.holder OR leases.until < CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint)
