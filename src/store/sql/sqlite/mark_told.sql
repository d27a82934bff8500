UPDATE mismatches SET is_told = 1
WHERE (subject, awaits) IN (SELECT unhex(value ->> 0), value ->> 1 FROM json_each($1)) AND is_told = 0
AND EXISTS (SELECT 1 FROM events AS e WHERE e.subject = mismatches.subject AND e.id = mismatches.awaits AND e.is_fanned = 1)
AND NOT EXISTS (SELECT 1 FROM deliveries AS d WHERE d.subject = mismatches.subject AND d.event = mismatches.awaits AND d.state = 'pending')
