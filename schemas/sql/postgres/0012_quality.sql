-- The data-quality ledger: what each node's ledger says of verdicts and of the ends of mismatches, added up by day of China. It is
-- derived: deleted with its position, it is read anew from the ledgers.

CREATE TABLE quality_verdicts (
    -- Name of the node's ledger.
    node text NOT NULL CHECK (length(node) >= 1),
    -- Days since 1970-01-01 in Asia/Shanghai, by the entry's time.
    day bigint NOT NULL,
    -- Dataset and revision.
    rules text NOT NULL,
    -- Number of the field in that revision; 255: the whole answer.
    field bigint NOT NULL CHECK (field BETWEEN 0 AND 255),
    -- Number of the agency that asked.
    agency bigint NOT NULL,
    -- Ledger code of the verdict, or of the outcome.
    code bigint NOT NULL CHECK (code BETWEEN 0 AND 255),
    count bigint NOT NULL CHECK (count >= 1),
    PRIMARY KEY (day, rules, field, code, agency, node)
);

CREATE TABLE quality_steps (
    node text NOT NULL CHECK (length(node) >= 1),
    day bigint NOT NULL,
    dataset text NOT NULL,
    field text NOT NULL,
    -- What was done with the mismatch, such as `approve`.
    action text NOT NULL,
    count bigint NOT NULL CHECK (count >= 1),
    -- Days that decisions took, added up.
    days bigint NOT NULL CHECK (days >= 0),
    PRIMARY KEY (day, dataset, field, action, node)
);
