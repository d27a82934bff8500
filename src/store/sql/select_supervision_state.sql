SELECT body FROM supervision_state WHERE name = $1
