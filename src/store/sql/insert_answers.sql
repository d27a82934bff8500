INSERT INTO answers (subject, agency, version, verification, at)
VALUES (?, ?, ?, ?, ?)
ON CONFLICT (subject, agency, version) DO NOTHING
