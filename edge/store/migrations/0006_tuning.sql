-- When a reference was set aside: it is kept, shown and exported, but not searched.
ALTER TABLE person_references ADD COLUMN aside_at TEXT;

-- Embeddings by a new model, made one after the other and put in use all at once.
CREATE TABLE staged_embeddings (
    reference_id TEXT NOT NULL PRIMARY KEY REFERENCES person_references (reference_id) ON DELETE CASCADE,
    image_sha256 TEXT NOT NULL,
    model_sha256 TEXT NOT NULL,
    embedding BLOB NOT NULL
) STRICT;
