SELECT count(*) FROM (SELECT 1 FROM watches WHERE agency = $1 AND state IN ('unchanged', 'changed') LIMIT $2) AS counted
