DELETE FROM mismatch_steps WHERE (subject, mismatch) IN (SELECT subject, id FROM mismatches WHERE expires_at < $1 ORDER BY expires_at, id LIMIT 1000)
