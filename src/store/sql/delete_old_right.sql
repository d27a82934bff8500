DELETE FROM agency_right WHERE day < $1
