-- Pictures of feed items that tell of a camera: `now`, when its state changed, and `before`.
CREATE TABLE item_images (
    seq INTEGER NOT NULL REFERENCES feed (seq) ON DELETE CASCADE,
    role TEXT NOT NULL,
    sha256 TEXT NOT NULL REFERENCES images (sha256),
    PRIMARY KEY (seq, role)
) STRICT, WITHOUT ROWID;
CREATE INDEX item_images_by_image ON item_images (sha256);
