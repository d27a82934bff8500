SELECT state, due_on FROM mismatches WHERE subject = $1 AND id = $2 FOR UPDATE
