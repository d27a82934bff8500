DELETE FROM guesses WHERE subject = $1
