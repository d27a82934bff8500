INSERT INTO quality_verdicts (node, day, rules, field, agency, code, count)
SELECT $1, value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5 FROM json_each($2) WHERE true
ON CONFLICT (day, rules, field, code, agency, node) DO UPDATE SET count = quality_verdicts.count + excluded.count
