INSERT INTO guesses (subject, field, value, agency, is_known, units, at)
VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (subject, field, value) DO UPDATE SET agency = excluded.agency, is_known = excluded.is_known, units = excluded.units, at = excluded.at
