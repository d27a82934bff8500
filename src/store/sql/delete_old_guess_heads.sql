DELETE FROM guess_heads WHERE revision < $1
