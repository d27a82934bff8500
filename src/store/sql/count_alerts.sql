SELECT rule, count(*) FROM alerts GROUP BY rule
