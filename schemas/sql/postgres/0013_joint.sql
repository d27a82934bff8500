-- Joint handling (Article 11): a case that a lead agency opens, who handles it with it, and the checks that may be used again.

CREATE TABLE cases (
    id text NOT NULL PRIMARY KEY CHECK (length(id) = 30),
    lead text NOT NULL REFERENCES agencies (id),
    state text NOT NULL CHECK (state IN ('open', 'closed')),
    until bigint NOT NULL,
    revision bigint NOT NULL CHECK (revision >= 1),
    -- Purpose of the lead, and what each of the others may use, sealed.
    facts bytea NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL
);

CREATE TABLE case_parties (
    agency text NOT NULL REFERENCES agencies (id),
    case_id text NOT NULL REFERENCES cases (id),
    PRIMARY KEY (agency, case_id)
);

CREATE TABLE case_checks (
    case_id text NOT NULL REFERENCES cases (id),
    number bigint NOT NULL CHECK (number >= 1),
    dataset text NOT NULL CHECK (length(dataset) BETWEEN 1 AND 64),
    subject bytea NOT NULL CHECK (length(subject) = 16),
    -- 0: none was told, and the check cannot be used again.
    record_version bigint NOT NULL CHECK (record_version >= 0),
    verification text NOT NULL,
    -- Reference, rules and verdicts, sealed.
    facts bytea NOT NULL,
    created_at bigint NOT NULL,
    PRIMARY KEY (case_id, number)
);
