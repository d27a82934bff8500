SELECT node, first, next, body FROM supervision_entries WHERE origin = $1 AND first >= $2 ORDER BY first LIMIT $3
