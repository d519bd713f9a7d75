"""What the shipped models answer on the public data: pairs, single pictures, tracks and clips, for docs/measured.md."""
