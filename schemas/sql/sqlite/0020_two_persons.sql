-- What needs two persons waits here for the second: appointments and hand-overs of secrets. Who appointed a client is kept, so that
-- nobody is the second person of somebody who appointed him. What an agency contributed to a register of another stays its own.

CREATE TABLE approvals (
    id text NOT NULL PRIMARY KEY CHECK (length(id) = 30),
    kind text NOT NULL CHECK (length(kind) BETWEEN 1 AND 64),
    state text NOT NULL CHECK (state IN ('requested', 'confirmed')),
    asked_by text NOT NULL,
    revision integer NOT NULL CHECK (revision >= 1),
    -- What is asked for, sealed.
    facts blob NOT NULL,
    created_at integer NOT NULL,
    updated_at integer NOT NULL
) STRICT;

CREATE INDEX approvals_by_time ON approvals (created_at);

ALTER TABLE clients ADD COLUMN appointed_by text;

CREATE TABLE contributions (
    dataset text NOT NULL CHECK (length(dataset) BETWEEN 1 AND 64),
    subject blob NOT NULL CHECK (length(subject) = 16),
    agency integer NOT NULL,
    -- The version that it brought; while it is current, the agency may replace it.
    version integer NOT NULL CHECK (version >= 1),
    PRIMARY KEY (subject, dataset)
) STRICT, WITHOUT ROWID;

-- Who appointed, granted, revoked, rotated what, and when.
CREATE TABLE administration_log (
    id text NOT NULL PRIMARY KEY CHECK (length(id) = 30),
    at integer NOT NULL,
    action text NOT NULL,
    target text NOT NULL,
    by_client text NOT NULL
) STRICT;
