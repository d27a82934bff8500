SELECT answer FROM asks WHERE id = $1 AND answer IS NOT NULL
