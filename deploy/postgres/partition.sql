-- Splits the tables of a hub by the subject, each into as many parts as `heyan.partitions` says (8, if nothing): a way to grow on one
-- server, whose vacuum and indices then work on parts, and the proof that nothing in the schema needs a key that reaches over parts.
--
-- On a migrated store that no node uses, as the role that migrates; an empty store takes a second, a full one is copied:
--
--   PGOPTIONS='-c heyan.partitions=16' psql -v ON_ERROR_STOP=1 -d heyan -f partition.sql
--
-- All or nothing, once. Names of tables, keys and indices stay, so later migrations find them. Rights given by hand (see roles.sql) are
-- given again afterwards. The number of parts is fixed from then on; more than 32 need a larger max_locks_per_transaction here.

DO $split$
DECLARE
    parts integer := coalesce(nullif(current_setting('heyan.partitions', true), ''), '8')::integer;
    here oid := current_schema()::regnamespace;
    -- All that holds rows about a subject. The rest is small, or belongs to no subject, and stays whole.
    by_subject text[] := ARRAY['records', 'record_versions', 'live_fetches', 'mismatches', 'mismatch_steps', 'events', 'deliveries',
        'answers', 'guesses', 'guess_heads', 'unlock_requests', 'watches', 'contributions'];
    -- Keyed hashes of something else than a subject.
    by_hash text[] := ARRAY['record_keys', 'used_once'];
    tables text[] := by_subject || by_hash;
    again text[];
    one text;
    item record;
BEGIN
    IF parts NOT BETWEEN 1 AND 256 THEN
        RAISE EXCEPTION 'heyan.partitions is %, must be 1 to 256', parts;
    END IF;
    FOREACH one IN ARRAY tables LOOP
        IF NOT EXISTS (SELECT 1 FROM pg_class WHERE relnamespace = here AND relname = one AND relkind = 'r') THEN
            RAISE EXCEPTION 'table % is not there, or is split already: run `heyan store migrate` first, and this once', one;
        END IF;
    END LOOP;

    -- Keys, indices, foreign keys and triggers as they are, to be made again: the last name tables that must be there, and count rows
    -- that come in later.
    SELECT array_agg(definition ORDER BY turn) INTO again FROM (
        SELECT CASE contype WHEN 'f' THEN 3 ELSE 1 END AS turn,
            format('ALTER TABLE %I ADD CONSTRAINT %I %s', c.relname, k.conname, pg_get_constraintdef(k.oid)) AS definition
        FROM pg_constraint AS k JOIN pg_class AS c ON c.oid = k.conrelid
        WHERE c.relnamespace = here AND c.relname = ANY (tables) AND k.contype IN ('p', 'u', 'f')
        UNION ALL
        SELECT 2, pg_get_indexdef(i.indexrelid)
        FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indrelid
        WHERE c.relnamespace = here AND c.relname = ANY (tables)
        AND NOT EXISTS (SELECT 1 FROM pg_constraint AS k WHERE k.conindid = i.indexrelid AND k.contype IN ('p', 'u'))
        UNION ALL
        SELECT 4, pg_get_triggerdef(t.oid)
        FROM pg_trigger AS t JOIN pg_class AS c ON c.oid = t.tgrelid
        WHERE c.relnamespace = here AND c.relname = ANY (tables) AND NOT t.tgisinternal
    ) AS definitions;

    FOR item IN
        SELECT c.relname, k.conname FROM pg_constraint AS k JOIN pg_class AS c ON c.oid = k.conrelid
        WHERE c.relnamespace = here AND c.relname = ANY (tables) AND k.contype = 'f'
    LOOP
        EXECUTE format('ALTER TABLE %I DROP CONSTRAINT %I', item.relname, item.conname);
    END LOOP;

    FOREACH one IN ARRAY tables LOOP
        EXECUTE format('ALTER TABLE %I RENAME TO %I', one, one || '_whole');
        EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING STORAGE) PARTITION BY HASH (%I)',
            one, one || '_whole', CASE WHEN one = ANY (by_hash) THEN 'hash' ELSE 'subject' END);
        FOR part IN 0 .. parts - 1 LOOP
            EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES WITH (MODULUS %s, REMAINDER %s)', one || '_p' || part, one, parts, part);
        END LOOP;
        EXECUTE format('INSERT INTO %I SELECT * FROM %I', one, one || '_whole');
        -- Numbers go on where they are.
        FOR item IN
            SELECT d.objid::regclass AS numbers, a.attname FROM pg_depend AS d
            JOIN pg_class AS s ON s.oid = d.objid AND s.relkind = 'S'
            JOIN pg_attribute AS a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
            WHERE d.classid = 'pg_class'::regclass AND d.refobjid = (one || '_whole')::regclass AND d.deptype = 'a'
        LOOP
            EXECUTE format('ALTER SEQUENCE %s OWNED BY %I.%I', item.numbers, one, item.attname);
        END LOOP;
        EXECUTE format('DROP TABLE %I', one || '_whole');
    END LOOP;

    FOREACH one IN ARRAY again LOOP
        EXECUTE one;
    END LOOP;
END
$split$;
