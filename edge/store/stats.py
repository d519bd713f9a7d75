"""Counts, bytes and queue depth, as the metrics report them."""

from __future__ import annotations

from edge.store import reserve
from edge.store.core import Core
from edge.store.database import connect

_COUNTS = {
    "hits": "SELECT count(*) FROM hits",
    "feed_items": "SELECT count(*) FROM feed",
    "people": "SELECT count(*) FROM people",
    "references": "SELECT count(*) FROM person_references",
    "images": "SELECT count(*) FROM images",
    "image_bytes": "SELECT coalesce(sum(num_bytes), 0) FROM images",
}


def stats(core: Core, head_seq: int) -> dict[str, int | float]:
    """All numbers by name; `*_bytes` are bytes, the rest are counts."""
    counts: dict[str, int | float] = core.read(
        lambda db: {name: db.execute(query).fetchone()[0] for name, query in _COUNTS.items()}
    )
    return counts | {
        "db_bytes": core.path.stat().st_size,
        "wal_bytes": connect.log_bytes(core.path),
        "free_bytes": reserve.free_bytes(core.folder),
        "queue_depth": core.writer.depth,
        "commits": core.writer.commits,
        "failed_writes": core.writer.failures,
        "head_seq": head_seq,
    }
