-- Rows that an agency has caused, counted by the database itself, so that a limit on them is one look and never a scan.
-- Mismatches whose answer told nothing (it may be about a number that nobody has) end by themselves.

CREATE TABLE agency_rows (
    agency text NOT NULL,
    kind text NOT NULL,
    -- Each connection counts in rows of its own, so that writers never wait for each other.
    slot bigint NOT NULL,
    rows_held bigint NOT NULL,
    PRIMARY KEY (agency, kind, slot)
);

ALTER TABLE mismatches ADD COLUMN expires_at bigint;
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


CREATE FUNCTION count_agency_row(of_agency text, of_kind text, more bigint) RETURNS void LANGUAGE sql AS $$
    INSERT INTO agency_rows (agency, kind, slot, rows_held) VALUES (of_agency, of_kind, pg_backend_pid() % 1024, more)
    ON CONFLICT (agency, kind, slot) DO UPDATE SET rows_held = agency_rows.rows_held + excluded.rows_held
$$;

-- Each takes the kind and how many rows more it is, and finds the agency in a column of its own.
CREATE FUNCTION count_by_agency() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF tg_op = 'DELETE' THEN PERFORM count_agency_row(old.agency, tg_argv[0], tg_argv[1]::bigint);
    ELSE PERFORM count_agency_row(new.agency, tg_argv[0], tg_argv[1]::bigint);
    END IF;
    RETURN NULL;
END
$$;

CREATE FUNCTION count_by_lead() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF tg_op = 'DELETE' THEN PERFORM count_agency_row(old.lead, tg_argv[0], tg_argv[1]::bigint);
    ELSE PERFORM count_agency_row(new.lead, tg_argv[0], tg_argv[1]::bigint);
    END IF;
    RETURN NULL;
END
$$;

CREATE FUNCTION count_by_client() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    of_client text;
BEGIN
    IF tg_op = 'DELETE' THEN of_client := old.client; ELSE of_client := new.client; END IF;
    PERFORM count_agency_row(agency, tg_argv[0], tg_argv[1]::bigint) FROM clients WHERE id = of_client AND agency IS NOT NULL;
    RETURN NULL;
END
$$;

CREATE TRIGGER count_open_mismatches_insert AFTER INSERT ON mismatches
FOR EACH ROW WHEN (new.is_final = 0) EXECUTE FUNCTION count_by_agency('open_mismatches', '1');
CREATE TRIGGER count_open_mismatches_update AFTER UPDATE OF is_final ON mismatches
FOR EACH ROW WHEN (old.is_final = 0 AND new.is_final = 1) EXECUTE FUNCTION count_by_agency('open_mismatches', '-1');
CREATE TRIGGER count_open_mismatches_update_reopened AFTER UPDATE OF is_final ON mismatches
FOR EACH ROW WHEN (old.is_final = 1 AND new.is_final = 0) EXECUTE FUNCTION count_by_agency('open_mismatches', '1');
CREATE TRIGGER count_open_mismatches_delete AFTER DELETE ON mismatches
FOR EACH ROW WHEN (old.is_final = 0) EXECUTE FUNCTION count_by_agency('open_mismatches', '-1');

CREATE TRIGGER count_cases_insert AFTER INSERT ON cases
FOR EACH ROW EXECUTE FUNCTION count_by_lead('cases', '1');
CREATE TRIGGER count_cases_delete AFTER DELETE ON cases
FOR EACH ROW EXECUTE FUNCTION count_by_lead('cases', '-1');

CREATE TRIGGER count_watches_insert AFTER INSERT ON watches
FOR EACH ROW WHEN (new.state <> 'ended') EXECUTE FUNCTION count_by_agency('watches', '1');
CREATE TRIGGER count_watches_update AFTER UPDATE OF state ON watches
FOR EACH ROW WHEN (old.state <> 'ended' AND new.state = 'ended') EXECUTE FUNCTION count_by_agency('watches', '-1');
CREATE TRIGGER count_watches_delete AFTER DELETE ON watches
FOR EACH ROW WHEN (old.state <> 'ended') EXECUTE FUNCTION count_by_agency('watches', '-1');

CREATE TRIGGER count_subscriptions_insert AFTER INSERT ON subscriptions
FOR EACH ROW EXECUTE FUNCTION count_by_agency('subscriptions', '1');
CREATE TRIGGER count_subscriptions_delete AFTER DELETE ON subscriptions
FOR EACH ROW EXECUTE FUNCTION count_by_agency('subscriptions', '-1');

CREATE TRIGGER count_test_events_insert AFTER INSERT ON events
FOR EACH ROW WHEN (new.kind = 'test' AND new.agency IS NOT NULL) EXECUTE FUNCTION count_by_agency('test_events', '1');
CREATE TRIGGER count_test_events_delete AFTER DELETE ON events
FOR EACH ROW WHEN (old.kind = 'test' AND old.agency IS NOT NULL) EXECUTE FUNCTION count_by_agency('test_events', '-1');

CREATE TRIGGER count_saved_replies_insert AFTER INSERT ON replies
FOR EACH ROW EXECUTE FUNCTION count_by_client('saved_replies', '1');
CREATE TRIGGER count_saved_replies_delete AFTER DELETE ON replies
FOR EACH ROW EXECUTE FUNCTION count_by_client('saved_replies', '-1');
