SELECT (SELECT count(*) FROM sqlite_schema WHERE name = 'schema_migrations') AS ours, (SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\_%' ESCAPE '\') AS tables
