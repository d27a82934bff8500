INSERT INTO contributions (dataset, subject, agency, version) VALUES ($1, $2, $3, $4)
ON CONFLICT (subject, dataset) DO UPDATE SET agency = excluded.agency, version = excluded.version
