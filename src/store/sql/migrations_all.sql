select name, digest from schema_migrations order by name
