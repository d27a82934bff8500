SELECT agency, day, subjects FROM agency_right WHERE day >= $1
