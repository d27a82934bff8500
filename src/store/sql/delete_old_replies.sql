DELETE FROM replies WHERE at < $1
