SELECT subject, field, value, agency, is_known, units, at FROM guesses WHERE subject = $1
