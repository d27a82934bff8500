DELETE FROM mismatch_steps WHERE (subject, mismatch) IN (SELECT subject, id FROM mismatches WHERE expires_at < $1)
