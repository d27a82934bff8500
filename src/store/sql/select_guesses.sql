SELECT subject, field, value, agency, is_known, units, at FROM guesses WHERE at >= $1
