INSERT INTO quality_steps (node, day, dataset, field, action, count, days)
SELECT $1, value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5 FROM json_each($2) WHERE true
ON CONFLICT (day, dataset, field, action, node)
DO UPDATE SET count = quality_steps.count + excluded.count, days = quality_steps.days + excluded.days
