-- What needs two persons waits here for the second: appointments and hand-overs of secrets. Who appointed a client is kept, so that
-- nobody is the second person of somebody who appointed him. What an agency contributed to a register of another stays its own.

CREATE TABLE approvals (
    id text NOT NULL PRIMARY KEY CHECK (length(id) = 30),
    kind text NOT NULL CHECK (length(kind) BETWEEN 1 AND 64),
    state text NOT NULL CHECK (state IN ('requested', 'confirmed')),
    asked_by text NOT NULL,
    revision bigint NOT NULL CHECK (revision >= 1),
    -- What is asked for, sealed.
    facts bytea NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL
);

CREATE INDEX approvals_by_time ON approvals (created_at);

ALTER TABLE clients ADD COLUMN appointed_by text;

CREATE TABLE contributions (
    dataset text NOT NULL CHECK (length(dataset) BETWEEN 1 AND 64),
    subject bytea NOT NULL CHECK (length(subject) = 16),
    agency bigint NOT NULL,
    -- The version that it brought; while it is current, the agency may replace it.
    version bigint NOT NULL CHECK (version >= 1),
    PRIMARY KEY (subject, dataset)
);

-- Who appointed, granted, revoked, rotated what, and when.
CREATE TABLE administration_log (
    id text NOT NULL PRIMARY KEY CHECK (length(id) = 30),
    at bigint NOT NULL,
    action text NOT NULL,
    target text NOT NULL,
    by_client text NOT NULL
);
