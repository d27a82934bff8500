INSERT INTO agency_right (agency, day, subjects)
SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each($1) WHERE true
ON CONFLICT (agency, day) DO UPDATE SET subjects = agency_right.subjects + excluded.subjects
