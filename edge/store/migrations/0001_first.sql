-- Never edited once released: a change is a new file with the next number.
CREATE TABLE meta (
    key TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- One row per kept picture file. A row exists exactly while a hit or a reference names the picture.
CREATE TABLE images (
    sha256 TEXT NOT NULL PRIMARY KEY CHECK (length(sha256) = 64),
    num_bytes INTEGER NOT NULL CHECK (num_bytes > 0),
    added_at TEXT NOT NULL
) STRICT;
CREATE INDEX images_by_age ON images (added_at, sha256);

-- Files whose rows are gone; kept until the file is gone too, so that a crash in between loses nothing.
CREATE TABLE doomed_images (
    sha256 TEXT NOT NULL PRIMARY KEY
) STRICT, WITHOUT ROWID;

CREATE TABLE people (
    person_id TEXT NOT NULL PRIMARY KEY CHECK (person_id <> ''),
    name TEXT NOT NULL,
    status TEXT NOT NULL,
    expires_at TEXT,
    changed_at TEXT NOT NULL
) STRICT;

CREATE TABLE person_references (
    reference_id TEXT NOT NULL PRIMARY KEY,
    person_id TEXT NOT NULL REFERENCES people (person_id),
    image_sha256 TEXT NOT NULL REFERENCES images (sha256),
    embedding BLOB NOT NULL,
    model_sha256 TEXT NOT NULL,
    quality TEXT NOT NULL,
    source TEXT NOT NULL,
    added_at TEXT NOT NULL
) STRICT;
CREATE INDEX references_by_person ON person_references (person_id, reference_id);
CREATE INDEX references_by_image ON person_references (image_sha256);

CREATE TABLE hits (
    hit_id TEXT NOT NULL PRIMARY KEY CHECK (hit_id <> ''),
    person_id TEXT NOT NULL REFERENCES people (person_id),
    camera TEXT NOT NULL,
    kind TEXT NOT NULL,
    review_state TEXT NOT NULL,
    last_at TEXT NOT NULL,
    latest_seq INTEGER NOT NULL,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX hits_by_person ON hits (person_id, camera, hit_id);
CREATE INDEX hits_by_camera ON hits (camera, hit_id);
CREATE INDEX hits_by_review ON hits (review_state, hit_id);
CREATE INDEX hits_by_age ON hits (last_at);
CREATE INDEX hits_by_seq ON hits (latest_seq);

-- Pictures of superseded sightings stay named while their hit lives: earlier feed items name them.
CREATE TABLE hit_images (
    hit_id TEXT NOT NULL REFERENCES hits (hit_id) ON DELETE CASCADE,
    role TEXT NOT NULL,
    sha256 TEXT NOT NULL REFERENCES images (sha256),
    PRIMARY KEY (hit_id, role, sha256)
) STRICT, WITHOUT ROWID;
CREATE INDEX hit_images_by_image ON hit_images (sha256);

-- AUTOINCREMENT: a seq is never given twice, not even after its row is gone.
CREATE TABLE feed (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    at TEXT NOT NULL,
    type TEXT NOT NULL,
    hit_id TEXT,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX feed_by_hit ON feed (hit_id) WHERE hit_id IS NOT NULL;
CREATE INDEX feed_by_age ON feed (at);

-- What retention cut off the feed's old end; tells a puller with an old cursor how much it lost.
CREATE TABLE trims (
    last_seq INTEGER NOT NULL PRIMARY KEY,
    first_seq INTEGER NOT NULL,
    first_at TEXT NOT NULL,
    last_at TEXT NOT NULL
) STRICT;

CREATE TABLE users (
    name TEXT NOT NULL PRIMARY KEY CHECK (name <> ''),
    role TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    created_at TEXT NOT NULL
) STRICT;

-- By hash of the name: names that don't exist are locked like those that do.
CREATE TABLE login_failures (
    name_sha256 TEXT NOT NULL PRIMARY KEY,
    failures INTEGER NOT NULL,
    last_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE sessions (
    secret_sha256 TEXT NOT NULL PRIMARY KEY,
    user TEXT NOT NULL REFERENCES users (name) ON DELETE CASCADE,
    created_at TEXT NOT NULL,
    expires_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE login_links (
    secret_sha256 TEXT NOT NULL PRIMARY KEY,
    user TEXT NOT NULL REFERENCES users (name) ON DELETE CASCADE,
    created_at TEXT NOT NULL,
    expires_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Two valid tokens may share a name while one replaces the other.
CREATE TABLE tokens (
    token_sha256 TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL CHECK (name <> ''),
    scopes TEXT NOT NULL,
    created_at TEXT NOT NULL,
    expires_at TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX tokens_by_name ON tokens (name);

CREATE TABLE consumers (
    name TEXT NOT NULL PRIMARY KEY,
    seq INTEGER NOT NULL,
    last_pull_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;
