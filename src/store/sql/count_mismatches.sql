SELECT state, count(*), count(*) FILTER (WHERE is_final = 0 AND due_on < $1) FROM mismatches GROUP BY state
