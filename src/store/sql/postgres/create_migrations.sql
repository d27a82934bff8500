CREATE TABLE IF NOT EXISTS schema_migrations (
    version bigint NOT NULL PRIMARY KEY CHECK (version >= 1),
    name text NOT NULL,
    checksum text NOT NULL CHECK (length(checksum) = 64),
    applied_at bigint NOT NULL
)
