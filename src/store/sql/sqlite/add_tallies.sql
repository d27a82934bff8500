INSERT INTO tallies (kind, word, shard, count)
SELECT value ->> 0, value ->> 1, 0, value ->> 2 FROM json_each($1) WHERE true
ON CONFLICT (kind, word, shard) DO UPDATE SET count = tallies.count + excluded.count
