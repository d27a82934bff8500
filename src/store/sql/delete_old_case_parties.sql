DELETE FROM case_parties WHERE case_id IN (SELECT id FROM cases WHERE until < $1)
