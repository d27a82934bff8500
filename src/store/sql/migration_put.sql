insert into schema_migrations (name, digest, applied_at) values (?1, ?2, unixepoch() * 1000000)
