DELETE FROM case_checks WHERE case_id IN (SELECT id FROM cases WHERE until < $1)
