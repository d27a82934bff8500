UPDATE mismatches SET is_told = 1
WHERE awaits IN (SELECT value FROM json_array_elements_text(CAST($1 AS json))) AND is_told = 0
AND EXISTS (SELECT 1 FROM events AS e WHERE e.id = mismatches.awaits AND e.is_fanned = 1)
AND NOT EXISTS (SELECT 1 FROM deliveries AS d WHERE d.event = mismatches.awaits AND d.state = 'pending')
