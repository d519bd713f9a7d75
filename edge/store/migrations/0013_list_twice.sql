-- The watchlist a second time, in other pages of the file: what damage takes from the first is put back from here.
-- Triggers keep both alike in the same transaction, so an erasure, too, reaches both.
CREATE TABLE people_copy (
    person_id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    status TEXT NOT NULL,
    expires_at TEXT,
    changed_at TEXT NOT NULL,
    reason TEXT,
    owner TEXT
) STRICT, WITHOUT ROWID;

CREATE TABLE references_copy (
    reference_id TEXT NOT NULL PRIMARY KEY,
    person_id TEXT NOT NULL,
    image_sha256 TEXT NOT NULL,
    embedding BLOB NOT NULL,
    model_sha256 TEXT NOT NULL,
    quality TEXT NOT NULL,
    source TEXT NOT NULL,
    added_at TEXT NOT NULL,
    aside_at TEXT
) STRICT, WITHOUT ROWID;

INSERT INTO people_copy (person_id, name, status, expires_at, changed_at, reason, owner)
SELECT person_id, name, status, expires_at, changed_at, reason, owner FROM people;

INSERT INTO references_copy
    (reference_id, person_id, image_sha256, embedding, model_sha256, quality, source, added_at, aside_at)
SELECT reference_id, person_id, image_sha256, embedding, model_sha256, quality, source, added_at, aside_at
FROM person_references;

-- Not INSERT OR REPLACE: the word of the statement that sets a trigger off would take the place of this one.
CREATE TRIGGER people_added AFTER INSERT ON people BEGIN
    DELETE FROM people_copy WHERE person_id = new.person_id;
    INSERT INTO people_copy (person_id, name, status, expires_at, changed_at, reason, owner)
    VALUES (new.person_id, new.name, new.status, new.expires_at, new.changed_at, new.reason, new.owner);
END;

CREATE TRIGGER people_changed AFTER UPDATE ON people BEGIN
    DELETE FROM people_copy WHERE person_id = new.person_id;
    INSERT INTO people_copy (person_id, name, status, expires_at, changed_at, reason, owner)
    VALUES (new.person_id, new.name, new.status, new.expires_at, new.changed_at, new.reason, new.owner);
END;

CREATE TRIGGER people_removed AFTER DELETE ON people BEGIN
    DELETE FROM people_copy WHERE person_id = old.person_id;
END;

CREATE TRIGGER references_added AFTER INSERT ON person_references BEGIN
    DELETE FROM references_copy WHERE reference_id = new.reference_id;
    INSERT INTO references_copy
        (reference_id, person_id, image_sha256, embedding, model_sha256, quality, source, added_at, aside_at)
    VALUES (new.reference_id, new.person_id, new.image_sha256, new.embedding, new.model_sha256,
        new.quality, new.source, new.added_at, new.aside_at);
END;

CREATE TRIGGER references_changed AFTER UPDATE ON person_references BEGIN
    DELETE FROM references_copy WHERE reference_id = new.reference_id;
    INSERT INTO references_copy
        (reference_id, person_id, image_sha256, embedding, model_sha256, quality, source, added_at, aside_at)
    VALUES (new.reference_id, new.person_id, new.image_sha256, new.embedding, new.model_sha256,
        new.quality, new.source, new.added_at, new.aside_at);
END;

CREATE TRIGGER references_removed AFTER DELETE ON person_references BEGIN
    DELETE FROM references_copy WHERE reference_id = old.reference_id;
END;
