DELETE FROM used_once WHERE until < $1
