UPDATE alerts SET facts = $2, entries = $3, evidence = $4, updated_at = $5
WHERE once = $1 AND $3 > entries AND state <> 'closed'
