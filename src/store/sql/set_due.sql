UPDATE mismatches SET due_on = $4
WHERE subject = $1 AND id = $2 AND revision = $3 AND due_on IS NULL
