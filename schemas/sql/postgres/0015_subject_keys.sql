-- Keys of rows about a subject begin with the subject, unique ones and foreign ones too, so that the tables can be split by it: a server
-- that splits a table can keep a key unique within one part only. An id alone is unique by construction (`new_id`): milliseconds, number of the node,
-- 64 random bits. Whoever has the id alone finds the row by a plain index.

ALTER TABLE deliveries DROP CONSTRAINT deliveries_event_fkey;
ALTER TABLE events DROP CONSTRAINT events_mismatch_fkey;
ALTER TABLE mismatch_steps DROP CONSTRAINT mismatch_steps_mismatch_fkey;

ALTER TABLE mismatches DROP CONSTRAINT mismatches_pkey, ADD PRIMARY KEY (subject, id);
CREATE INDEX mismatches_by_id ON mismatches (id);

ALTER TABLE mismatch_steps ADD COLUMN subject bytea CHECK (length(subject) = 16);
UPDATE mismatch_steps SET subject = m.subject FROM mismatches AS m WHERE m.id = mismatch_steps.mismatch;
ALTER TABLE mismatch_steps
ALTER COLUMN subject SET NOT NULL,
DROP CONSTRAINT mismatch_steps_pkey,
ADD PRIMARY KEY (subject, mismatch, seq),
ADD CONSTRAINT mismatch_steps_mismatch_fkey FOREIGN KEY (subject, mismatch) REFERENCES mismatches (subject, id);

-- An event about nobody (a test) has zeroes, as its delivery always had.
UPDATE events SET subject = decode(repeat('00', 16), 'hex') WHERE subject IS NULL;
ALTER TABLE events
ALTER COLUMN subject SET NOT NULL,
DROP CONSTRAINT events_pkey,
DROP CONSTRAINT events_id_key,
ADD PRIMARY KEY (subject, id),
ADD CONSTRAINT events_mismatch_fkey FOREIGN KEY (subject, mismatch) REFERENCES mismatches (subject, id);

-- One event goes to a target once.
ALTER TABLE deliveries
DROP CONSTRAINT deliveries_pkey,
DROP CONSTRAINT deliveries_id_key,
DROP CONSTRAINT deliveries_event_target_key,
ADD PRIMARY KEY (subject, event, target),
ADD CONSTRAINT deliveries_event_fkey FOREIGN KEY (subject, event) REFERENCES events (subject, id);
CREATE INDEX deliveries_by_id ON deliveries (id);
CREATE INDEX deliveries_by_seq ON deliveries (seq);

-- Numbers come from a sequence that is named: a table in parts has no identity column before PostgreSQL 17.
ALTER TABLE events ALTER COLUMN seq DROP IDENTITY;
CREATE SEQUENCE events_numbers AS bigint OWNED BY events.seq;
SELECT setval('events_numbers', coalesce(max(seq), 0) + 1, false) FROM events;
ALTER TABLE events ALTER COLUMN seq SET DEFAULT nextval('events_numbers');
ALTER TABLE deliveries ALTER COLUMN seq DROP IDENTITY;
CREATE SEQUENCE deliveries_numbers AS bigint OWNED BY deliveries.seq;
SELECT setval('deliveries_numbers', coalesce(max(seq), 0) + 1, false) FROM deliveries;
ALTER TABLE deliveries ALTER COLUMN seq SET DEFAULT nextval('deliveries_numbers');

DROP INDEX watches_by_subject;
ALTER TABLE watches DROP CONSTRAINT watches_pkey, ADD PRIMARY KEY (subject, id);
CREATE INDEX watches_by_id ON watches (id);

-- Looked up by the hash (whose, such as a licence's holder's): that is what this table is split by.
ALTER TABLE record_keys DROP CONSTRAINT record_keys_pkey, ADD PRIMARY KEY (hash, dataset, subject);
