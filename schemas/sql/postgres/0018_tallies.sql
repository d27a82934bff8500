-- How many rows there are of each word, counted by the commits that make and change them: a gauge reads these few rows. Each connection
-- of PostgreSQL adds to a shard of its own, so that commits do not wait for each other; the sum over the shards is the count.

CREATE TABLE tallies (
    -- `mismatch` by state, `due` by day of what is not over, `delivery` that is pending or dead, `alert` by rule, `unpublished` by table.
    kind text NOT NULL,
    word text NOT NULL,
    shard bigint NOT NULL,
    count bigint NOT NULL,
    PRIMARY KEY (kind, word, shard)
);

INSERT INTO tallies (kind, word, shard, count)
SELECT 'mismatch', state, 0, count(*) FROM mismatches GROUP BY state;

INSERT INTO tallies (kind, word, shard, count)
SELECT 'due', due_on, 0, count(*) FROM mismatches WHERE is_final = 0 AND due_on IS NOT NULL GROUP BY due_on;

INSERT INTO tallies (kind, word, shard, count)
SELECT 'delivery', state, 0, count(*) FROM deliveries WHERE state IN ('pending', 'dead') GROUP BY state;

INSERT INTO tallies (kind, word, shard, count)
SELECT 'alert', rule, 0, count(*) FROM alerts GROUP BY rule;

INSERT INTO tallies (kind, word, shard, count)
SELECT 'unpublished', 'events', 0, count(*) FROM events WHERE is_published = 0;

INSERT INTO tallies (kind, word, shard, count)
SELECT 'unpublished', 'alerts', 0, count(*) FROM alerts WHERE is_published = 0;

DROP INDEX mismatches_by_state;
