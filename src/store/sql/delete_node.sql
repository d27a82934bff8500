DELETE FROM nodes WHERE origin = $1
