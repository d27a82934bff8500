SELECT revision FROM guess_heads WHERE subject = $1
