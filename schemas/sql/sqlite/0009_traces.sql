-- Seals that keep looks of an investigating agency out of traces; which, whose and for which case is sealed.
CREATE TABLE trace_seals (
    id text NOT NULL PRIMARY KEY,
    state text NOT NULL CHECK (state IN ('requested', 'sealed', 'lifted')),
    until integer NOT NULL,
    revision integer NOT NULL CHECK (revision >= 1),
    facts blob NOT NULL,
    created_at integer NOT NULL,
    updated_at integer NOT NULL
) STRICT, WITHOUT ROWID;
