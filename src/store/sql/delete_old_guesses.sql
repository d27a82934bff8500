DELETE FROM guesses WHERE at < $1
