-- Verify-and-watch: what an agency verified and is told of until a day, when the verdict would change. What was claimed of whom, and
-- what was told last, is sealed.

CREATE TABLE watches (
    id text NOT NULL PRIMARY KEY CHECK (length(id) = 30),
    agency text NOT NULL REFERENCES agencies (id),
    dataset text NOT NULL CHECK (length(dataset) BETWEEN 1 AND 64),
    subject bytea NOT NULL CHECK (length(subject) = 16),
    state text NOT NULL CHECK (state IN ('unchanged', 'changed', 'ended')),
    until bigint NOT NULL,
    -- When to look again; 0: at once, because the record changed.
    next_at bigint NOT NULL,
    revision bigint NOT NULL CHECK (revision >= 1),
    facts bytea NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL
);

CREATE INDEX watches_by_agency ON watches (agency, id);
CREATE INDEX watches_by_subject ON watches (subject) WHERE state <> 'ended';
CREATE INDEX watches_due ON watches (next_at) WHERE state <> 'ended';
CREATE INDEX watches_ended ON watches (updated_at) WHERE state = 'ended';

-- One more kind of event.
ALTER TABLE events DROP CONSTRAINT events_kind_check;
ALTER TABLE events ADD CONSTRAINT events_kind_check
CHECK (kind IN ('record.changed', 'record.accepted', 'mismatch', 'supervision', 'test', 'verification.would_change'));
