SELECT subject, field, value, agency, units, at FROM guesses WHERE at >= ?1
