DELETE FROM supervision_entries WHERE origin = $1 AND next <= $2
