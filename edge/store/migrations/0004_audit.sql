-- Who did what. Each row's hash covers the row before it; object and detail are covered by a salted hash of their own,
-- so that erasing a person can blank them without breaking the chain.
CREATE TABLE audit (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    at TEXT NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    object TEXT,
    detail TEXT,
    salt TEXT,
    person_id TEXT,
    told_sha256 TEXT NOT NULL,
    sha256 TEXT NOT NULL
) STRICT;
CREATE INDEX audit_by_person ON audit (person_id) WHERE person_id IS NOT NULL;
