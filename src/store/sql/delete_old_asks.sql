DELETE FROM asks WHERE asked_at < $1
