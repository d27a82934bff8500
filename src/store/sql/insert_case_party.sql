INSERT INTO case_parties (agency, case_id) VALUES ($1, $2)
