-- Verify-and-watch: what an agency verified and is told of until a day, when the verdict would change. What was claimed of whom, and
-- what was told last, is sealed.

CREATE TABLE watches (
    id text NOT NULL PRIMARY KEY CHECK (length(id) = 30),
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
    updated_at integer NOT NULL
) STRICT;

CREATE INDEX watches_by_agency ON watches (agency, id);
CREATE INDEX watches_by_subject ON watches (subject) WHERE state <> 'ended';
CREATE INDEX watches_due ON watches (next_at) WHERE state <> 'ended';
CREATE INDEX watches_ended ON watches (updated_at) WHERE state = 'ended';

-- One more kind of event. SQLite changes no CHECK in place: its own manual ("ALTER TABLE", section 7) edits the text of one, which
-- loosens it and moves no row; the tables made above make every connection read the schema again.
PRAGMA writable_schema = ON;

UPDATE sqlite_schema
SET sql = replace(sql, 'kind IN (''record.changed''', 'kind IN (''verification.would_change'', ''record.changed''')
WHERE type = 'table' AND name = 'events';

PRAGMA writable_schema = RESET;
