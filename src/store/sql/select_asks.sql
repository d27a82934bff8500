SELECT id, question FROM asks WHERE origin = $1 AND answer IS NULL LIMIT 1000
