-- Seals that keep looks of an investigating agency out of traces; which, whose and for which case is sealed.
CREATE TABLE trace_seals (
    id text COLLATE "C" NOT NULL PRIMARY KEY,
    state text NOT NULL CHECK (state IN ('requested', 'sealed', 'lifted')),
    until bigint NOT NULL,
    revision bigint NOT NULL CHECK (revision >= 1),
    facts bytea NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL
);
