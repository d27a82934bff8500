INSERT INTO quality_verdicts (node, day, rules, field, agency, code, count)
SELECT $1, CAST(k.value ->> 0 AS bigint), k.value ->> 1, CAST(k.value ->> 2 AS bigint), CAST(k.value ->> 3 AS bigint),
    CAST(k.value ->> 4 AS bigint), CAST(k.value ->> 5 AS bigint)
FROM json_array_elements(CAST($2 AS json)) AS k
ON CONFLICT (day, rules, field, code, agency, node) DO UPDATE SET count = quality_verdicts.count + excluded.count
