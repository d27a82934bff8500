SELECT dataset, count(*) AS records FROM records GROUP BY dataset ORDER BY dataset
