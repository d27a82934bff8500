-- Keys of rows about a subject begin with the subject, as in the PostgreSQL twin, where a server may split the tables by it. An id alone
-- is unique by construction (`new_id`): milliseconds, number of the node, 64 random bits. Whoever has the id alone finds the row by a plain index.
--
-- A file is never split. So `records`, `record_versions` and `live_fetches`, by far the largest, keep their (dataset, subject), and `seq` stays the
-- row number of events and deliveries, which only a primary key can be. SQLite changes no key in place: the others are made anew, parents first,
-- and the old ones go children first, so that no row is ever without its parent; a rename follows into the foreign keys.

CREATE TABLE mismatches_anew (
    id text NOT NULL CHECK (length(id) = 30),
    dataset text NOT NULL CHECK (length(dataset) BETWEEN 1 AND 64),
    subject blob NOT NULL CHECK (length(subject) = 16),
    agency text NOT NULL REFERENCES agencies (id),
    -- Keyed hash of agency and application number.
    matter blob NOT NULL CHECK (length(matter) = 16),
    fields text NOT NULL CHECK (substr(fields, 1, 1) = '['),
    record_version integer NOT NULL CHECK (record_version >= 0),
    state text NOT NULL CHECK (state IN ('open', 'record_accepted', 'disputed', 'corrected', 'upheld', 'closed')),
    is_final integer NOT NULL CHECK (is_final = (state IN ('upheld', 'closed'))),
    due_on text CHECK (length(due_on) = 10),
    -- The event whose deliveries end the state.
    awaits text,
    revision integer NOT NULL CHECK (revision >= 1),
    opened_at integer NOT NULL,
    updated_at integer NOT NULL,
    facts blob NOT NULL,
    is_told integer NOT NULL DEFAULT 0 CHECK (is_told IN (0, 1)),
    PRIMARY KEY (subject, id),
    CHECK ((awaits IS NOT NULL) = (state IN ('record_accepted', 'corrected')))
) STRICT;

CREATE TABLE mismatch_steps_anew (
    mismatch text NOT NULL,
    seq integer NOT NULL CHECK (seq >= 1),
    at integer NOT NULL,
    action text NOT NULL,
    state text NOT NULL,
    actor text NOT NULL CHECK (actor IN ('agency', 'authority', 'hub')),
    -- Reason and clerk.
    note blob NOT NULL,
    subject blob NOT NULL CHECK (length(subject) = 16),
    PRIMARY KEY (subject, mismatch, seq),
    FOREIGN KEY (subject, mismatch) REFERENCES mismatches_anew (subject, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE events_anew (
    seq integer NOT NULL PRIMARY KEY AUTOINCREMENT,
    id text NOT NULL CHECK (length(id) = 30),
    kind text NOT NULL
    CHECK (kind IN ('record.changed', 'record.accepted', 'mismatch', 'supervision', 'test', 'verification.would_change')),
    dataset text,
    -- Zeroes: about nobody.
    subject blob NOT NULL CHECK (length(subject) = 16),
    version integer,
    mismatch text,
    -- Whom alone it is for.
    agency text REFERENCES agencies (id),
    -- Facts that are stored nowhere else; sealed.
    facts blob,
    at integer NOT NULL,
    is_fanned integer NOT NULL CHECK (is_fanned IN (0, 1)),
    is_published integer NOT NULL DEFAULT 1 CHECK (is_published IN (0, 1)),
    UNIQUE (subject, id),
    FOREIGN KEY (subject, mismatch) REFERENCES mismatches_anew (subject, id)
) STRICT;

CREATE TABLE deliveries_anew (
    seq integer NOT NULL PRIMARY KEY AUTOINCREMENT,
    id text NOT NULL CHECK (length(id) = 30),
    event text NOT NULL,
    -- A subscription's id, or `sink:` and the name of a connector.
    target text NOT NULL,
    subject blob NOT NULL CHECK (length(subject) = 16),
    reason text NOT NULL CHECK (reason IN ('answered', 'subscribed', 'addressed', 'sink', 'test')),
    state text NOT NULL CHECK (state IN ('pending', 'delivered', 'dead', 'superseded', 'cancelled')),
    attempts integer NOT NULL CHECK (attempts >= 0),
    next_at integer NOT NULL,
    last_result text,
    last_status integer,
    created_at integer NOT NULL,
    updated_at integer NOT NULL,
    UNIQUE (subject, event, target),
    FOREIGN KEY (subject, event) REFERENCES events_anew (subject, id)
) STRICT;

CREATE TABLE watches_anew (
    id text NOT NULL CHECK (length(id) = 30),
    agency text NOT NULL REFERENCES agencies (id),
    dataset text NOT NULL CHECK (length(dataset) BETWEEN 1 AND 64),
    subject blob NOT NULL CHECK (length(subject) = 16),
    state text NOT NULL CHECK (state IN ('unchanged', 'changed', 'ended')),
    until integer NOT NULL,
    -- When to look again; 0: at once, because the record changed.
    next_at integer NOT NULL,
    revision integer NOT NULL CHECK (revision >= 1),
    facts blob NOT NULL,
    created_at integer NOT NULL,
    updated_at integer NOT NULL,
    PRIMARY KEY (subject, id)
) STRICT;

CREATE TABLE record_keys_anew (
    dataset text NOT NULL CHECK (length(dataset) BETWEEN 1 AND 64),
    hash blob NOT NULL CHECK (length(hash) = 16),
    subject blob NOT NULL CHECK (length(subject) = 16),
    PRIMARY KEY (hash, dataset, subject)
) STRICT, WITHOUT ROWID;

INSERT INTO mismatches_anew (id, dataset, subject, agency, matter, fields, record_version, state, is_final, due_on, awaits, revision, opened_at, updated_at, facts, is_told)
SELECT id, dataset, subject, agency, matter, fields, record_version, state, is_final, due_on, awaits, revision, opened_at, updated_at, facts, is_told
FROM mismatches ORDER BY rowid;

INSERT INTO mismatch_steps_anew (mismatch, seq, at, action, state, actor, note, subject)
SELECT s.mismatch, s.seq, s.at, s.action, s.state, s.actor, s.note, m.subject
FROM mismatches AS m CROSS JOIN mismatch_steps AS s ON s.mismatch = m.id;

INSERT INTO events_anew (seq, id, kind, dataset, subject, version, mismatch, agency, facts, at, is_fanned, is_published)
SELECT seq, id, kind, dataset, coalesce(subject, zeroblob(16)), version, mismatch, agency, facts, at, is_fanned, is_published
FROM events ORDER BY seq;

INSERT INTO deliveries_anew (seq, id, event, target, subject, reason, state, attempts, next_at, last_result, last_status, created_at, updated_at)
SELECT seq, id, event, target, subject, reason, state, attempts, next_at, last_result, last_status, created_at, updated_at
FROM deliveries ORDER BY seq;

INSERT INTO watches_anew (id, agency, dataset, subject, state, until, next_at, revision, facts, created_at, updated_at)
SELECT id, agency, dataset, subject, state, until, next_at, revision, facts, created_at, updated_at
FROM watches ORDER BY rowid;

INSERT INTO record_keys_anew (dataset, hash, subject)
SELECT dataset, hash, subject FROM record_keys ORDER BY hash, dataset, subject;

DROP TABLE deliveries;
DROP TABLE events;
DROP TABLE mismatch_steps;
DROP TABLE mismatches;
DROP TABLE watches;
DROP TABLE record_keys;

ALTER TABLE mismatches_anew RENAME TO mismatches;
ALTER TABLE mismatch_steps_anew RENAME TO mismatch_steps;
ALTER TABLE events_anew RENAME TO events;
ALTER TABLE deliveries_anew RENAME TO deliveries;
ALTER TABLE watches_anew RENAME TO watches;
ALTER TABLE record_keys_anew RENAME TO record_keys;

-- Once per record, matter and field set: a second one while the first is not over cannot exist.
CREATE UNIQUE INDEX mismatches_once ON mismatches (subject, dataset, matter, fields) WHERE is_final = 0;
CREATE INDEX mismatches_by_subject ON mismatches (subject, dataset);
CREATE INDEX mismatches_by_id ON mismatches (id);
CREATE INDEX mismatches_by_agency ON mismatches (agency, id);
CREATE INDEX mismatches_by_dataset ON mismatches (dataset, id);
CREATE INDEX mismatches_awaiting ON mismatches (awaits) WHERE awaits IS NOT NULL;
CREATE INDEX mismatches_due ON mismatches (due_on) WHERE is_final = 0;
CREATE INDEX mismatches_told ON mismatches (id) WHERE is_told = 1;
CREATE INDEX mismatches_by_state ON mismatches (state, is_final, due_on);

CREATE INDEX events_by_mismatch ON events (mismatch) WHERE mismatch IS NOT NULL;
CREATE INDEX events_new ON events (seq) WHERE is_fanned = 0;
CREATE INDEX events_by_subject ON events (subject, seq) WHERE kind = 'record.changed';
CREATE INDEX events_unpublished ON events (seq) WHERE is_published = 0;

CREATE INDEX deliveries_by_id ON deliveries (id);
CREATE INDEX deliveries_due ON deliveries (target, next_at) WHERE state = 'pending';
CREATE INDEX deliveries_in_order ON deliveries (target, subject, seq) WHERE state = 'pending';
CREATE INDEX deliveries_by_state ON deliveries (state, seq);
CREATE INDEX deliveries_pending_of_event ON deliveries (event) WHERE state = 'pending';

CREATE INDEX watches_by_id ON watches (id);
CREATE INDEX watches_by_agency ON watches (agency, id);
CREATE INDEX watches_due ON watches (next_at) WHERE state <> 'ended';
CREATE INDEX watches_ended ON watches (updated_at) WHERE state = 'ended';

-- A new version takes the hashes of the older away.
CREATE INDEX record_keys_by_subject ON record_keys (dataset, subject);
