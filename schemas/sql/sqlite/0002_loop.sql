-- The loop: mismatches with every step of their lives, what happened (events), who must hear of it (deliveries) and
-- where they listen (subscriptions), who was answered from which version, guesses, saved replies, alerts.
-- What names a matter, a clerk, a proposed value or a secret is sealed (AES-256-GCM, bound to its table, column and row).

CREATE TABLE mismatches (
    id text NOT NULL PRIMARY KEY CHECK (length(id) = 30),
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
    CHECK ((awaits IS NOT NULL) = (state IN ('record_accepted', 'corrected')))
) STRICT;

-- Once per record, matter and field set: a second one while the first is not over cannot exist.
CREATE UNIQUE INDEX mismatches_once ON mismatches (dataset, subject, matter, fields) WHERE is_final = 0;
CREATE INDEX mismatches_by_subject ON mismatches (dataset, subject);
CREATE INDEX mismatches_by_agency ON mismatches (agency, id);
CREATE INDEX mismatches_by_dataset ON mismatches (dataset, id);
CREATE INDEX mismatches_awaiting ON mismatches (awaits) WHERE awaits IS NOT NULL;
CREATE INDEX mismatches_due ON mismatches (due_on) WHERE is_final = 0;

CREATE TABLE mismatch_steps (
    mismatch text NOT NULL REFERENCES mismatches (id),
    seq integer NOT NULL CHECK (seq >= 1),
    at integer NOT NULL,
    action text NOT NULL,
    state text NOT NULL,
    actor text NOT NULL CHECK (actor IN ('agency', 'authority', 'hub')),
    -- Reason and clerk.
    note blob NOT NULL,
    PRIMARY KEY (mismatch, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE events (
    seq integer NOT NULL PRIMARY KEY AUTOINCREMENT,
    id text NOT NULL UNIQUE CHECK (length(id) = 30),
    kind text NOT NULL CHECK (kind IN ('record.changed', 'record.accepted', 'mismatch', 'supervision', 'test')),
    dataset text,
    subject blob CHECK (length(subject) = 16),
    version integer,
    mismatch text REFERENCES mismatches (id),
    -- Whom alone it is for.
    agency text REFERENCES agencies (id),
    -- Facts that are stored nowhere else; sealed.
    facts blob,
    at integer NOT NULL,
    is_fanned integer NOT NULL CHECK (is_fanned IN (0, 1))
) STRICT;

CREATE INDEX events_by_mismatch ON events (mismatch) WHERE mismatch IS NOT NULL;
CREATE INDEX events_new ON events (seq) WHERE is_fanned = 0;
CREATE INDEX events_by_subject ON events (subject, seq) WHERE kind = 'record.changed';

CREATE TABLE subscriptions (
    id text NOT NULL PRIMARY KEY CHECK (length(id) = 30),
    agency text NOT NULL REFERENCES agencies (id),
    url text NOT NULL,
    events text NOT NULL CHECK (substr(events, 1, 1) = '['),
    datasets text NOT NULL CHECK (substr(datasets, 1, 1) = '['),
    until integer,
    supersedes integer NOT NULL CHECK (supersedes IN (0, 1)),
    secret blob NOT NULL,
    previous_secret blob,
    previous_valid_until integer,
    state text NOT NULL CHECK (state IN ('active', 'gone', 'deleted')),
    created_at integer NOT NULL,
    updated_at integer NOT NULL
) STRICT;

CREATE INDEX subscriptions_by_agency ON subscriptions (agency);

CREATE TABLE deliveries (
    seq integer NOT NULL PRIMARY KEY AUTOINCREMENT,
    id text NOT NULL UNIQUE CHECK (length(id) = 30),
    event text NOT NULL REFERENCES events (id),
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
    UNIQUE (event, target)
) STRICT;

CREATE INDEX deliveries_due ON deliveries (target, next_at) WHERE state = 'pending';
CREATE INDEX deliveries_in_order ON deliveries (target, subject, seq) WHERE state = 'pending';
CREATE INDEX deliveries_by_state ON deliveries (state, seq);
CREATE INDEX deliveries_pending_of_event ON deliveries (event) WHERE state = 'pending';

-- Who was answered from which version, derived from the ledger. -1: was told that there is no record.
CREATE TABLE answers (
    subject blob NOT NULL CHECK (length(subject) = 16),
    agency integer NOT NULL,
    version integer NOT NULL CHECK (version >= -1),
    -- The first verification that was answered from it.
    verification text NOT NULL,
    at integer NOT NULL,
    PRIMARY KEY (subject, agency, version)
) STRICT, WITHOUT ROWID;

-- How far something was read: the ledger's index of answers, feeds.
CREATE TABLE positions (
    name text NOT NULL PRIMARY KEY,
    position text NOT NULL,
    updated_at integer NOT NULL
) STRICT;

CREATE TABLE guesses (
    subject blob NOT NULL CHECK (length(subject) = 16),
    field text NOT NULL,
    value blob NOT NULL CHECK (length(value) = 16),
    agency integer NOT NULL,
    -- Whether the agency had an open matter with the subject.
    is_known integer NOT NULL CHECK (is_known IN (0, 1)),
    units integer NOT NULL CHECK (units >= 1),
    at integer NOT NULL,
    PRIMARY KEY (subject, field, value)
) STRICT, WITHOUT ROWID;

CREATE INDEX guesses_by_time ON guesses (at);

CREATE TABLE replies (
    client text NOT NULL,
    key text NOT NULL,
    fingerprint blob NOT NULL CHECK (length(fingerprint) = 32),
    status integer NOT NULL,
    body blob NOT NULL,
    at integer NOT NULL,
    PRIMARY KEY (client, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX replies_by_time ON replies (at);

CREATE TABLE alerts (
    id text NOT NULL PRIMARY KEY CHECK (length(id) = 30),
    rule text NOT NULL,
    -- One alert for one cause: a second of the same key does nothing.
    once text NOT NULL UNIQUE,
    dataset text,
    subject blob CHECK (length(subject) = 16),
    mismatch text,
    agency text,
    facts text NOT NULL CHECK (substr(facts, 1, 1) = '{'),
    at integer NOT NULL
) STRICT;
