INSERT INTO tallies (kind, word, shard, count)
SELECT k.value ->> 0, k.value ->> 1, pg_backend_pid() % 8, CAST(k.value ->> 2 AS bigint) FROM json_array_elements(CAST($1 AS json)) AS k
ORDER BY 1, 2
ON CONFLICT (kind, word, shard) DO UPDATE SET count = tallies.count + excluded.count
