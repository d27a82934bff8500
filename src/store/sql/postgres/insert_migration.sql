INSERT INTO schema_migrations (version, name, checksum, applied_at)
VALUES ($1, $2, $3, CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS bigint))
