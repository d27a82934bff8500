-- The data-quality ledger: what each node's ledger says of verdicts and of the ends of mismatches, added up by day of China. It is
-- derived: deleted with its position, it is read anew from the ledgers.

CREATE TABLE quality_verdicts (
    -- Name of the node's ledger.
    node text NOT NULL CHECK (length(node) >= 1),
    -- Days since 1970-01-01 in Asia/Shanghai, by the entry's time.
    day integer NOT NULL,
    -- Dataset and revision.
    rules text NOT NULL,
    -- Number of the field in that revision; 255: the whole answer.
    field integer NOT NULL CHECK (field BETWEEN 0 AND 255),
    -- Number of the agency that asked.
    agency integer NOT NULL,
    -- Ledger code of the verdict, or of the outcome.
    code integer NOT NULL CHECK (code BETWEEN 0 AND 255),
    count integer NOT NULL CHECK (count >= 1),
    PRIMARY KEY (day, rules, field, code, agency, node)
) STRICT, WITHOUT ROWID;

CREATE TABLE quality_steps (
    node text NOT NULL CHECK (length(node) >= 1),
    day integer NOT NULL,
    dataset text NOT NULL,
    field text NOT NULL,
    -- What was done with the mismatch, such as `approve`.
    action text NOT NULL,
    count integer NOT NULL CHECK (count >= 1),
    -- Days that decisions took, added up.
    days integer NOT NULL CHECK (days >= 0),
    PRIMARY KEY (day, dataset, field, action, node)
) STRICT, WITHOUT ROWID;
