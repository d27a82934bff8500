-- Several nodes on one store: each has its own ledger, so an entry in the outbox names the node that must append it; work that one
-- node does for all is held by a lease; what may be used once is remembered for all. An embedded hub is one node of one.

ALTER TABLE ledger_outbox ADD COLUMN origin text NOT NULL;

CREATE INDEX ledger_outbox_by_origin ON ledger_outbox (origin, id);

-- Who is there, and the newest checkpoint of its ledger that it has shown to the others.
CREATE TABLE nodes (
    origin text NOT NULL PRIMARY KEY CHECK (length(origin) >= 1),
    number bigint NOT NULL UNIQUE CHECK (number BETWEEN 0 AND 65535),
    -- Where the others reach it.
    url text NOT NULL,
    -- Verifier key of its checkpoints (C2SP signed note).
    ledger_key text NOT NULL,
    checkpoint text,
    seen_at bigint NOT NULL
);

-- One holder at a time, until a moment of the store's own clock.
CREATE TABLE leases (
    name text NOT NULL PRIMARY KEY CHECK (length(name) >= 1),
    holder text NOT NULL,
    until bigint NOT NULL
);

-- Keyed hashes of what may be used once.
CREATE TABLE used_once (
    hash bytea NOT NULL PRIMARY KEY CHECK (length(hash) = 16),
    until bigint NOT NULL
);

CREATE INDEX used_once_by_time ON used_once (until);

-- What one node wants to know of another's ledger; deleted when it has been told.
CREATE TABLE asks (
    id text NOT NULL PRIMARY KEY CHECK (length(id) BETWEEN 16 AND 64),
    origin text NOT NULL,
    question text NOT NULL,
    answer bytea,
    asked_at bigint NOT NULL
);

CREATE INDEX asks_open ON asks (origin) WHERE answer IS NULL;

-- The newest checkpoint of each ledger that each of the other nodes has countersigned.
CREATE TABLE cosigned (
    origin text NOT NULL,
    witness text NOT NULL,
    witness_key text NOT NULL,
    checkpoint text NOT NULL,
    at bigint NOT NULL,
    PRIMARY KEY (origin, witness)
);
