INSERT INTO grant_usage (grant_id, day, used)
SELECT k.value ->> 0, CAST(k.value ->> 1 AS bigint), CAST(k.value ->> 2 AS bigint) FROM json_array_elements(CAST($1 AS json)) AS k
ON CONFLICT (grant_id, day) DO UPDATE SET used = grant_usage.used + excluded.used
