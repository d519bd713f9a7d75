"""Keeps the audit within its bytes: the oldest rows go, and a signed row takes their place that says which they were.

The row is part of the chain like any other. It holds the hash of the last row that went, so that the first row kept can
still be checked against it. The key lies beside the database; whoever has only a copy of that can't make such a row.
"""

from __future__ import annotations

import base64
import contextlib
import datetime as dt
import json
import os
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge.store.audit import audit
from edge.store.rows import AuditEntry

KEY_FILE = "audit.key"
ACTION = "audit.trim"
"""Action of the row that takes the place of those that went."""
MAX_BYTES = 64_000_000
KEPT_SHARE = 0.75
"""Part of the allowed bytes that is left after a trim, so that the next one is far off."""
ROW_BYTES = 350
"""About what a row takes beside its object and detail."""
SAMPLE = 500
MAX_AT_ONCE = 2000
"""Rows removed in one transaction, so that alerts never wait long."""


def trim_if_due(db: sqlite3.Connection, folder: Path, now: dt.datetime, max_bytes: int = MAX_BYTES) -> int:
    """Remove the oldest rows where there are too many bytes of them; returns how many went."""
    sizes = (
        "SELECT length(coalesce(object, '')) + length(coalesce(detail, '')) AS n FROM audit ORDER BY seq DESC LIMIT ?"
    )
    each = ROW_BYTES + (db.execute(f"SELECT avg(n) FROM ({sizes})", (SAMPLE,)).fetchone()[0] or 0)
    count, first = db.execute("SELECT count(*), min(seq) FROM audit").fetchone()
    if count * each <= max_bytes:
        return 0
    surplus = min(int(count - max_bytes * KEPT_SHARE / each), count - 1, MAX_AT_ONCE)
    query = "SELECT seq, sha256, at FROM audit WHERE seq >= ? ORDER BY seq LIMIT 1 OFFSET ?"
    seq, sha256, until = db.execute(query, (first, surplus - 1)).fetchone()
    former = newest(db)
    rows = surplus + (0 if former is None else int((former.detail_json or {}).get("rows", 0)))
    about = {"last": seq, "rows": rows, "sha256": sha256, "until": until}
    signature = base64.b64encode(_key(folder).sign(_signed(about))).decode("ascii")
    audit.append(db, now, audit.LOCAL, ACTION, f"entries up to {seq}", about | {"signature": signature})
    db.execute("DELETE FROM audit WHERE seq <= ?", (seq,))
    return int(surplus)


def newest(db: sqlite3.Connection) -> AuditEntry | None:
    """The row that stands for all that went."""
    row = db.execute("SELECT max(seq) FROM audit WHERE action = ?", (ACTION,)).fetchone()
    return None if row[0] is None else next(audit.entries(db, row[0] - 1, 1), None)


def start_of_chain(db: sqlite3.Connection, folder: Path) -> tuple[int, str, list[str]]:
    """Number and hash of the row before the first one kept, and what is wrong with the row that tells them."""
    entry = newest(db)
    if entry is None or (about := entry.detail_json) is None:
        return 0, audit.first_hash(db), []
    try:
        signature = base64.b64decode(str(about["signature"]), validate=True)
        _key(folder).public_key().verify(signature, _signed(about))
        return int(about["last"]), str(about["sha256"]), []
    except (InvalidSignature, KeyError, ValueError, OSError):
        return (
            0,
            audit.first_hash(db),
            [f"entry {entry.seq} says what was trimmed, and its signature is not this box's"],
        )


def _signed(about: Mapping[str, Any]) -> bytes:
    return json.dumps([about["last"], about["rows"], about["sha256"], about["until"]]).encode()


def _key(folder: Path) -> Ed25519PrivateKey:
    """The key beside the database; made when first needed."""
    path = folder / KEY_FILE
    with contextlib.suppress(FileNotFoundError):
        return Ed25519PrivateKey.from_private_bytes(path.read_bytes())
    key = Ed25519PrivateKey.generate()
    part = path.with_suffix(".part")
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(key.private_bytes_raw())
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
    return key
