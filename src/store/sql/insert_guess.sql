INSERT INTO guesses (subject, field, value, agency, units, at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6)
ON CONFLICT (subject, field, value) DO UPDATE SET agency = excluded.agency, units = excluded.units, at = excluded.at
