-- The roles of a hub's database: one that makes the schema, one that the nodes use, one that reads what an audit wants.
-- Run once as a superuser: psql -v ON_ERROR_STOP=1 -d heyan -f roles.sql; then set passwords (\password heyan_app) and run
-- `heyan store migrate` as heyan_migrate.
--
-- The database must be made with ENCODING 'UTF8'. The server must run with fsync and full_page_writes on (a hub refuses one that
-- does not), and should have data checksums and, for a standby that loses nothing, synchronous_standby_names.

CREATE ROLE heyan_migrate LOGIN;
CREATE ROLE heyan_app LOGIN;
CREATE ROLE heyan_ledger_read LOGIN;

REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE, CREATE ON SCHEMA public TO heyan_migrate;
GRANT USAGE ON SCHEMA public TO heyan_app, heyan_ledger_read;

-- The nodes read and write rows, and change no table. What was once a version, a step or an event is never deleted by them.
ALTER DEFAULT PRIVILEGES FOR ROLE heyan_migrate IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO heyan_app;
ALTER DEFAULT PRIVILEGES FOR ROLE heyan_migrate IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO heyan_app;

ALTER ROLE heyan_migrate SET search_path = public;
ALTER ROLE heyan_app SET search_path = public;
ALTER ROLE heyan_ledger_read SET search_path = public, pg_catalog;
ALTER ROLE heyan_ledger_read SET default_transaction_read_only = on;

-- After `heyan store migrate`, and partition.sql if the tables are to be split, as heyan_migrate:
--   REVOKE DELETE, UPDATE ON record_versions, mismatch_steps FROM heyan_app;
--   REVOKE DELETE ON records, mismatches, events, deliveries, alerts, agencies, clients, grants FROM heyan_app;
--   REVOKE INSERT, UPDATE, DELETE ON schema_migrations FROM heyan_app;
--   GRANT SELECT ON ledger_outbox, answers, nodes, mismatch_steps, alerts TO heyan_ledger_read;
