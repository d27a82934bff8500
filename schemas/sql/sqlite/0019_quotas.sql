-- Rows that an agency has caused, counted by the database itself, so that a limit on them is one look and never a scan.
-- Mismatches whose answer told nothing (it may be about a number that nobody has) end by themselves.

CREATE TABLE agency_rows (
    agency text NOT NULL,
    kind text NOT NULL,
    -- Several writers count in rows of their own; SQLite has one.
    slot integer NOT NULL,
    rows_held integer NOT NULL,
    PRIMARY KEY (agency, kind, slot)
) STRICT, WITHOUT ROWID;

ALTER TABLE mismatches ADD COLUMN expires_at integer;
CREATE INDEX mismatches_expiring ON mismatches (expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX cases_by_until ON cases (until);
CREATE INDEX case_parties_by_case ON case_parties (case_id);
CREATE INDEX subscriptions_deleted ON subscriptions (updated_at) WHERE state = 'deleted';
CREATE INDEX events_tests ON events (at) WHERE kind = 'test';

INSERT INTO agency_rows (agency, kind, slot, rows_held)
SELECT agency, 'open_mismatches', 0, count(*) FROM mismatches WHERE is_final = 0 GROUP BY agency
UNION ALL SELECT lead, 'cases', 0, count(*) FROM cases GROUP BY lead
UNION ALL SELECT agency, 'watches', 0, count(*) FROM watches WHERE state <> 'ended' GROUP BY agency
UNION ALL SELECT agency, 'subscriptions', 0, count(*) FROM subscriptions GROUP BY agency
UNION ALL SELECT agency, 'test_events', 0, count(*) FROM events WHERE kind = 'test' AND agency IS NOT NULL GROUP BY agency
UNION ALL
SELECT c.agency, 'saved_replies', 0, count(*) FROM replies AS r
INNER JOIN clients AS c ON r.client = c.id WHERE c.agency IS NOT NULL GROUP BY c.agency;

CREATE TRIGGER count_open_mismatches_insert AFTER INSERT ON mismatches
WHEN new.is_final = 0
BEGIN
    INSERT INTO agency_rows (agency, kind, slot, rows_held) VALUES (new.agency, 'open_mismatches', 0, 1)
    ON CONFLICT (agency, kind, slot) DO UPDATE SET rows_held = rows_held + excluded.rows_held;
END;

CREATE TRIGGER count_open_mismatches_update AFTER UPDATE OF is_final ON mismatches
WHEN old.is_final = 0 AND new.is_final = 1
BEGIN
    INSERT INTO agency_rows (agency, kind, slot, rows_held) VALUES (new.agency, 'open_mismatches', 0, -1)
    ON CONFLICT (agency, kind, slot) DO UPDATE SET rows_held = rows_held + excluded.rows_held;
END;

CREATE TRIGGER count_open_mismatches_update_reopened AFTER UPDATE OF is_final ON mismatches
WHEN old.is_final = 1 AND new.is_final = 0
BEGIN
    INSERT INTO agency_rows (agency, kind, slot, rows_held) VALUES (new.agency, 'open_mismatches', 0, 1)
    ON CONFLICT (agency, kind, slot) DO UPDATE SET rows_held = rows_held + excluded.rows_held;
END;

CREATE TRIGGER count_open_mismatches_delete AFTER DELETE ON mismatches
WHEN old.is_final = 0
BEGIN
    INSERT INTO agency_rows (agency, kind, slot, rows_held) VALUES (old.agency, 'open_mismatches', 0, -1)
    ON CONFLICT (agency, kind, slot) DO UPDATE SET rows_held = rows_held + excluded.rows_held;
END;

CREATE TRIGGER count_cases_insert AFTER INSERT ON cases
BEGIN
    INSERT INTO agency_rows (agency, kind, slot, rows_held) VALUES (new.lead, 'cases', 0, 1)
    ON CONFLICT (agency, kind, slot) DO UPDATE SET rows_held = rows_held + excluded.rows_held;
END;

CREATE TRIGGER count_cases_delete AFTER DELETE ON cases
BEGIN
    INSERT INTO agency_rows (agency, kind, slot, rows_held) VALUES (old.lead, 'cases', 0, -1)
    ON CONFLICT (agency, kind, slot) DO UPDATE SET rows_held = rows_held + excluded.rows_held;
END;

CREATE TRIGGER count_watches_insert AFTER INSERT ON watches
WHEN new.state <> 'ended'
BEGIN
    INSERT INTO agency_rows (agency, kind, slot, rows_held) VALUES (new.agency, 'watches', 0, 1)
    ON CONFLICT (agency, kind, slot) DO UPDATE SET rows_held = rows_held + excluded.rows_held;
END;

CREATE TRIGGER count_watches_update AFTER UPDATE OF state ON watches
WHEN old.state <> 'ended' AND new.state = 'ended'
BEGIN
    INSERT INTO agency_rows (agency, kind, slot, rows_held) VALUES (new.agency, 'watches', 0, -1)
    ON CONFLICT (agency, kind, slot) DO UPDATE SET rows_held = rows_held + excluded.rows_held;
END;

CREATE TRIGGER count_watches_delete AFTER DELETE ON watches
WHEN old.state <> 'ended'
BEGIN
    INSERT INTO agency_rows (agency, kind, slot, rows_held) VALUES (old.agency, 'watches', 0, -1)
    ON CONFLICT (agency, kind, slot) DO UPDATE SET rows_held = rows_held + excluded.rows_held;
END;

CREATE TRIGGER count_subscriptions_insert AFTER INSERT ON subscriptions
BEGIN
    INSERT INTO agency_rows (agency, kind, slot, rows_held) VALUES (new.agency, 'subscriptions', 0, 1)
    ON CONFLICT (agency, kind, slot) DO UPDATE SET rows_held = rows_held + excluded.rows_held;
END;

CREATE TRIGGER count_subscriptions_delete AFTER DELETE ON subscriptions
BEGIN
    INSERT INTO agency_rows (agency, kind, slot, rows_held) VALUES (old.agency, 'subscriptions', 0, -1)
    ON CONFLICT (agency, kind, slot) DO UPDATE SET rows_held = rows_held + excluded.rows_held;
END;

CREATE TRIGGER count_test_events_insert AFTER INSERT ON events
WHEN new.kind = 'test' AND new.agency IS NOT NULL
BEGIN
    INSERT INTO agency_rows (agency, kind, slot, rows_held) VALUES (new.agency, 'test_events', 0, 1)
    ON CONFLICT (agency, kind, slot) DO UPDATE SET rows_held = rows_held + excluded.rows_held;
END;

CREATE TRIGGER count_test_events_delete AFTER DELETE ON events
WHEN old.kind = 'test' AND old.agency IS NOT NULL
BEGIN
    INSERT INTO agency_rows (agency, kind, slot, rows_held) VALUES (old.agency, 'test_events', 0, -1)
    ON CONFLICT (agency, kind, slot) DO UPDATE SET rows_held = rows_held + excluded.rows_held;
END;

CREATE TRIGGER count_saved_replies_insert AFTER INSERT ON replies
BEGIN
    INSERT INTO agency_rows (agency, kind, slot, rows_held) SELECT agency, 'saved_replies', 0, 1 FROM clients WHERE id = new.client AND agency IS NOT NULL
    ON CONFLICT (agency, kind, slot) DO UPDATE SET rows_held = rows_held + excluded.rows_held;
END;

CREATE TRIGGER count_saved_replies_delete AFTER DELETE ON replies
BEGIN
    INSERT INTO agency_rows (agency, kind, slot, rows_held) SELECT agency, 'saved_replies', 0, -1 FROM clients WHERE id = old.client AND agency IS NOT NULL
    ON CONFLICT (agency, kind, slot) DO UPDATE SET rows_held = rows_held + excluded.rows_held;
END;
