SELECT subject FROM record_keys WHERE dataset = $1 AND hash = $2 ORDER BY subject LIMIT 16
