SELECT day, dataset, field, action, CAST(sum(count) AS bigint), CAST(sum(days) AS bigint) FROM quality_steps
WHERE day BETWEEN $1 AND $2
GROUP BY day, dataset, field, action ORDER BY day, dataset, field, action
