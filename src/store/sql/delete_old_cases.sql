DELETE FROM cases WHERE until < $1
