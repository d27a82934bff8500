INSERT INTO agency_right (agency, day, subjects)
SELECT CAST(k.value ->> 0 AS bigint), CAST(k.value ->> 1 AS bigint), CAST(k.value ->> 2 AS bigint) FROM json_array_elements(CAST($1 AS json)) AS k
ON CONFLICT (agency, day) DO UPDATE SET subjects = agency_right.subjects + excluded.subjects
