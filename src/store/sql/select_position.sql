SELECT position FROM positions WHERE name = $1
