SELECT day, rules, field, code, CAST(sum(count) AS bigint) FROM quality_verdicts
WHERE day BETWEEN $1 AND $2
GROUP BY day, rules, field, code ORDER BY day, rules, field, code
