DELETE FROM mismatches WHERE expires_at < $1
