UPDATE mismatches SET is_told = 1
WHERE (subject, awaits) IN (SELECT decode(value ->> 0, 'hex'), value ->> 1 FROM json_array_elements(CAST($1 AS json))) AND is_told = 0
AND EXISTS (SELECT 1 FROM events AS e WHERE e.subject = mismatches.subject AND e.id = mismatches.awaits AND e.is_fanned = 1)
AND NOT EXISTS (SELECT 1 FROM deliveries AS d WHERE d.subject = mismatches.subject AND d.event = mismatches.awaits AND d.state = 'pending')
