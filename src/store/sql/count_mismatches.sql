SELECT state, count(*), sum(is_final = 0 AND due_on < ?1) FROM mismatches GROUP BY state
