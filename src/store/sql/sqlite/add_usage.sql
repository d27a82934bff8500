INSERT INTO grant_usage (grant_id, day, used)
SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each($1) WHERE true
ON CONFLICT (grant_id, day) DO UPDATE SET used = grant_usage.used + excluded.used
