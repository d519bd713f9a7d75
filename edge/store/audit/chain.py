"""Checks the audit chain: that every row is the one that was written, that none is missing, and that the end is real.

The newest hash is also kept in `audit.head` and sent in every heartbeat. Pullers keep it, so truncation on the device
shows.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
from collections.abc import Callable, Mapping
from pathlib import Path

from edge.store.audit import audit, trim
from edge.store.codec import time_to_text
from edge.store.rows import AuditEntry, AuditHead, AuditReport

FILE = "audit.head"
RESTORED = "database.restored"
"""Action of the row written when the database is older than the one that was here before."""
MAX_PROBLEMS = 20
PROGRESS_EVERY = 1000
"""Entries after which the progress is told."""


def write_head(folder: Path, head: AuditHead) -> None:
    """Write the head beside the database, whole or not at all."""
    part = folder / (FILE + ".part")
    with contextlib.suppress(OSError):  # a full disk must not stop what the row records
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(json.dumps({"seq": head.seq, "sha256": head.sha256}) + "\n")
        part.replace(folder / FILE)


def read_head(folder: Path) -> AuditHead | None:
    """The head kept beside the database; None where there is none that can be read."""
    try:
        value = json.loads((folder / FILE).read_text("utf-8"))
        return AuditHead(int(value["seq"]), str(value["sha256"]))
    except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return None


def verify(
    db: sqlite3.Connection,
    folder: Path,
    known: tuple[AuditHead, ...] = (),
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> AuditReport:
    """Read the whole chain; `known` are heads somebody wrote down before.

    `progress` is told how many entries of how many are read.
    """
    newest = audit.head(db)
    trimmed, before, problems = trim.start_of_chain(db, folder)
    last = trimmed
    hashes: dict[int, str] = {trimmed: before} if trimmed else {}
    blanked: set[int] = set()
    allowed: set[int] = set()
    for entry in audit.entries(db):
        if newest is not None and entry.seq % PROGRESS_EVERY == 0:
            progress(entry.seq - trimmed, newest.seq - trimmed)
        problems += [f"entry {number} is missing" for number in range(last + 1, min(entry.seq, last + 4))]
        problems += _problems_of_row(entry, before)
        if entry.detail_json is None:
            blanked.add(entry.seq)
        elif entry.action == audit.ERASED:
            allowed.update(entry.detail_json.get("blanked", ()))
        before, last = entry.sha256, entry.seq
        hashes[entry.seq] = entry.sha256
    problems += [f"entry {number} was blanked, and no erasure accounts for it" for number in sorted(blanked - allowed)]
    claims = [*known, *_heartbeats(db)]
    if (kept := read_head(folder)) is not None:
        claims.append(kept)
    problems += _contradicted_heads([claim for claim in claims if claim.seq >= trimmed], hashes, last)
    if (given := audit.last_given(db)) > last:
        problems.append(f"the chain was cut after entry {last}: there were entries up to {given}")
    found = tuple(dict.fromkeys(problems))[:MAX_PROBLEMS]
    return AuditReport(len(hashes) - bool(trimmed), audit.head(db), len(blanked), found, trimmed)


def export_line(entry: AuditEntry) -> Mapping[str, object]:
    """One row as JSON, with all that is needed to check it elsewhere."""
    return {
        "seq": entry.seq,
        "at": time_to_text(entry.at),
        "actor": entry.actor,
        "action": entry.action,
        "object": entry.object,
        "detail": entry.detail_json,
        "salt": entry.salt,
        "told_sha256": entry.told_sha256,
        "sha256": entry.sha256,
    }


def follows(entry: AuditEntry, before: str) -> bool:
    """Whether a row is the one that was written after the row with the hash `before`."""
    made = audit.hash_row(before, entry.seq, time_to_text(entry.at), entry.actor, entry.action, entry.told_sha256)
    return made == entry.sha256


def _problems_of_row(entry: AuditEntry, before: str) -> list[str]:
    found = []
    if not follows(entry, before):
        found.append(f"entry {entry.seq} does not follow from the one before it: one of them was altered or taken out")
    if entry.object is not None and entry.detail is not None and entry.salt is not None:
        if audit.hash_detail(entry.salt, entry.object, entry.detail) != entry.told_sha256:
            found.append(f"entry {entry.seq} differs from what was written")
    elif not entry.object == entry.detail == entry.salt:
        found.append(f"entry {entry.seq} is half blanked")
    return found


def _heartbeats(db: sqlite3.Connection) -> list[AuditHead]:
    """Heads that travelled in the feed."""
    query = """SELECT DISTINCT json_extract(body, '$.audit.seq'), json_extract(body, '$.audit.sha256') FROM feed
        WHERE type = 'heartbeat' AND json_extract(body, '$.audit.seq') IS NOT NULL"""
    return [AuditHead(row[0], row[1]) for row in db.execute(query)]


def _contradicted_heads(claims: list[AuditHead], hashes: dict[int, str], last: int) -> list[str]:
    found = []
    for claim in claims:
        if claim.seq > last:
            found.append(f"the chain was cut after entry {last}: its head was once entry {claim.seq}")
        elif hashes.get(claim.seq) != claim.sha256:
            found.append(f"entry {claim.seq} is not the one whose hash was kept elsewhere")
    return found
