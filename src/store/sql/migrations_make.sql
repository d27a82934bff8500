create table if not exists schema_migrations (
    name       text    not null primary key,
    digest     blob    not null check (length(digest) = 32),
    applied_at integer not null
) strict
