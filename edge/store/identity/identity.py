"""The device's identity: its id, bound to the machine on which it was made, and a new one for a copy.

Id, keys and certificate are made where the data directory is first opened, and so is the binding. Two devices from one
image would share them all: the second finds other marks beside the same id, and says so.
"""

from __future__ import annotations

import datetime as dt
import json
import secrets
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from edge.durable import sync
from edge.errors import StoreError
from edge.store import migrate
from edge.store.audit import audit
from edge.store.codec import time_to_text
from edge.store.core import Core
from edge.store.database import alone, connect, meta
from edge.store.database.jobs import Change
from edge.store.feed import epoch, feed
from edge.store.feed.epoch_file import EpochFile
from edge.store.identity.marks import KINDS, Marks, changed, is_other_machine, read_marks

KEY_FILES = ("box.key", "tls.key", "tls.crt")
"""Files that prove who the device is; each is made anew when it is next asked for."""
CLONE = "clone"
"""State of a device that looks like a copy of another."""
BOUND = "identity.bound"
"""Action of the audit row that notes another machine, or another part of it."""
FIX = (
    "where the disk or its image came from another box, run `edge identity new` with the service stopped; "
    "where it was moved here for good, `edge identity keep`"
)


@dataclass(frozen=True, slots=True)
class Finding:
    """Whether the machine is still the one the device was made on."""

    device_id: str
    bound_at: str | None
    changed: tuple[str, ...] = ()
    is_clone: bool = False

    def sentence(self, box_id: str = "") -> str:
        """What was found, in words; `box_id`: the setting, which hits and pages show in place of the id made here."""
        kinds = " and ".join(KINDS[kind] for kind in self.changed)
        shown = f"{box_id} (setting box_id; made here: {self.device_id})" if box_id else self.device_id
        if self.is_clone:
            return f"this looks like a clone of {shown}: {kinds} changed under the same device id"
        return f"{shown}, on this machine since {self.bound_at}" + (f"; {kinds} changed" if kinds else "")


class Identity:
    """Part of the store."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def look(self, machine: Marks | None = None) -> Finding:
        """Compare the machine (this one unless given) with the one the device was made on."""
        now = read_marks() if machine is None else machine
        return self._core.read(lambda db: _compare(db, now))

    def settle(self, machine: Marks | None = None) -> Finding:
        """As `look`; a repaired machine's new marks are noted, so that the next repair does not add up to a clone."""
        now = read_marks() if machine is None else machine
        found = self._core.read(lambda db: _compare(db, now))
        if found.changed and not found.is_clone:
            self.keep(now)
        return found

    def keep(self, machine: Marks | None = None) -> None:
        """Bind the id to this machine from now on."""
        now = read_marks() if machine is None else machine

        def apply(change: Change) -> None:
            found = _compare(change.db, now)
            bind(change.db, now, self._core.clock())
            told = {"changed": list(found.changed), "was_clone": found.is_clone}
            audit.append(change.db, self._core.clock(), audit.LOCAL, BOUND, found.device_id, told)

        self._core.write(apply).result()


def bind(db: sqlite3.Connection, machine: Marks, now: dt.datetime) -> None:
    """Note on which machine the device is."""
    meta.put(db, meta.Key.MACHINE, json.dumps({"marks": machine, "at": time_to_text(now)}))


def bind_first(db: sqlite3.Connection, now: dt.datetime, machine: Callable[[], Marks] = read_marks) -> None:
    """Bind a device that was never bound."""
    if meta.get(db, meta.Key.MACHINE) is None:
        with connect.immediate(db):
            bind(db, machine(), now)


def renew(data_dir: Path, now: dt.datetime, machine: Marks | None = None) -> tuple[str, str]:
    """Give a copy an identity of its own; returns the former id and the new one. StoreError while it is in use.

    New id, keys, certificate and feed epoch; tokens, sessions, login links and known devices are withdrawn. Users, the
    list and hits stay. The keys go first: a run that was cut off leaves what is still called a clone.
    """
    path = data_dir / "edge.db"
    if not path.exists():
        raise StoreError(f"{path}: not made yet, so there is no identity to renew; it is made at the first start")
    with alone.alone(data_dir):
        for name in KEY_FILES:
            (data_dir / name).unlink(missing_ok=True)
        sync(data_dir)
        try:
            db = migrate.open_database(path, now)
            try:
                with connect.immediate(db):
                    former, made, number = _renew_rows(db, now, read_marks() if machine is None else machine)
                    head = feed.head(db)
            finally:
                db.close()
        except sqlite3.Error as error:
            raise connect.explain(error, path) from error
        EpochFile(data_dir).write(number, head)
    return former, made


def _renew_rows(db: sqlite3.Connection, now: dt.datetime, machine: Marks) -> tuple[str, str, str]:
    former, made = meta.get(db, meta.Key.DEVICE_ID) or "", "edge-" + secrets.token_hex(4)
    # The chain of the audit began with the former id, and goes on.
    meta.put(db, meta.Key.AUDIT_ORIGIN, meta.get(db, meta.Key.AUDIT_ORIGIN) or former)
    meta.put(db, meta.Key.DEVICE_ID, made)
    meta.take(db, meta.Key.DEVICE_KEY)
    for table in ("tokens", "sessions", "login_links", "consumers"):
        db.execute(f"DELETE FROM {table}")
    bind(db, machine, now)
    number = epoch.begin(db, now, "new identity")
    audit.append(db, now, audit.LOCAL, audit.RENEWED, made, {"former": former})
    return former, made, number


def _compare(db: sqlite3.Connection, machine: Marks) -> Finding:
    device_id, text = meta.get(db, meta.Key.DEVICE_ID) or "", meta.get(db, meta.Key.MACHINE)
    if text is None:
        return Finding(device_id, None)
    kept = json.loads(text)
    kinds = changed(kept["marks"], machine)
    return Finding(device_id, kept["at"], kinds, is_other_machine(kept["marks"], machine))
