INSERT INTO quality_steps (node, day, dataset, field, action, count, days)
SELECT $1, CAST(k.value ->> 0 AS bigint), k.value ->> 1, k.value ->> 2, k.value ->> 3, CAST(k.value ->> 4 AS bigint),
    CAST(k.value ->> 5 AS bigint)
FROM json_array_elements(CAST($2 AS json)) AS k
ON CONFLICT (day, dataset, field, action, node)
DO UPDATE SET count = quality_steps.count + excluded.count, days = quality_steps.days + excluded.days
