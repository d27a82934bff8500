DELETE FROM events WHERE kind = 'test' AND at < $1
