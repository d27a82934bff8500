-- A mismatch whose step is over, since every delivery of the event that it awaits is: marked by the commit that ends the last
-- one. Looked for instead, it would cost a look at every mismatch that waits for a receiver that is ill.

ALTER TABLE mismatches ADD COLUMN is_told bigint NOT NULL DEFAULT 0 CHECK (is_told IN (0, 1));

UPDATE mismatches SET is_told = 1
WHERE awaits IS NOT NULL
AND EXISTS (SELECT 1 FROM events AS e WHERE e.id = mismatches.awaits AND e.is_fanned = 1)
AND NOT EXISTS (SELECT 1 FROM deliveries AS d WHERE d.event = mismatches.awaits AND d.state = 'pending');

CREATE INDEX mismatches_told ON mismatches (id) WHERE is_told = 1;

-- The gauges are counted from the index alone.
CREATE INDEX mismatches_by_state ON mismatches (state, is_final, due_on);
