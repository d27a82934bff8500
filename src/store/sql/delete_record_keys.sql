DELETE FROM record_keys WHERE dataset = $1 AND subject = $2
