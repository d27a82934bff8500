SELECT subject, agency, version, verification, at FROM answers WHERE subject = $1
