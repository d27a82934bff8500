-- Supervision: alerts have a life of their own and evidence in ledgers; what the rules have seen is kept, and entries of other nodes'
-- ledgers wait here for the node that watches.

ALTER TABLE alerts ADD COLUMN class text NOT NULL DEFAULT 'process';
ALTER TABLE alerts ADD COLUMN severity text NOT NULL DEFAULT 'medium' CHECK (severity IN ('low', 'medium', 'high'));
ALTER TABLE alerts ADD COLUMN state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'acknowledged', 'closed'));
-- Counts steps, from 1.
ALTER TABLE alerts ADD COLUMN revision bigint NOT NULL DEFAULT 1;
-- Ledger entries that show it: how many, and the first of them.
ALTER TABLE alerts ADD COLUMN entries bigint NOT NULL DEFAULT 0;
ALTER TABLE alerts ADD COLUMN evidence text NOT NULL DEFAULT '[]';
ALTER TABLE alerts ADD COLUMN updated_at bigint NOT NULL DEFAULT 0;

UPDATE alerts SET updated_at = at;
UPDATE alerts SET class = 'timeliness' WHERE rule = 'mismatch_overdue';
UPDATE alerts SET class = 'integrity_risk' WHERE rule IN ('guess_budget', 'ledger_forked');

CREATE INDEX alerts_by_time ON alerts (at, id);

CREATE TABLE alert_steps (
    alert text NOT NULL REFERENCES alerts (id),
    seq bigint NOT NULL CHECK (seq >= 2),
    at bigint NOT NULL,
    action text NOT NULL,
    state text NOT NULL,
    -- Who and why, sealed.
    note bytea NOT NULL,
    PRIMARY KEY (alert, seq)
);

-- What the rules have seen so far, sealed, with how far each ledger was read.
CREATE TABLE supervision_state (
    name text NOT NULL PRIMARY KEY,
    body bytea NOT NULL,
    updated_at bigint NOT NULL
);

-- Entries of a ledger as they lie in it, until the node that watches has taken them in.
CREATE TABLE supervision_entries (
    origin text NOT NULL,
    node bigint NOT NULL CHECK (node BETWEEN 0 AND 65535),
    first bigint NOT NULL,
    next bigint NOT NULL CHECK (next > first),
    body bytea NOT NULL,
    PRIMARY KEY (origin, first)
);
