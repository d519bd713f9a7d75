"""The watchlist is kept twice (migration 13): here both are compared, and what one of them has lost is put back.

Triggers keep the two alike. They lie in pages of different kinds, so that two swapped pages can't pass for each other.
"""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from edge.store.audit import audit
from edge.store.database import connect

ACTION = "person.damaged"
"""Action of the audit rows that name whose entry can't be trusted; they go with the person's erasure."""
TABLES = {"people": ("people_copy", "person_id"), "person_references": ("references_copy", "reference_id")}
"""Copy and key, by table."""
_TRIGGERS = 6
_DIFFERS = " differs from its copy"
_CHECKED = (*TABLES, *(copy for copy, _ in TABLES.values()), "meta", "migrations", "users", "tokens", "erasures")
"""Small tables whose indexes are held against their rows at each check: a swapped page of one hides people."""
_PUT_BACK = {
    "people": (
        "1 damaged entry of the watchlist was put back from its copy, nothing is lost",
        "damaged entries of the watchlist were put back from their copy, nothing is lost",
    ),
    "person_references": (
        "1 damaged picture of the watchlist was put back from its copy, nothing is lost",
        "damaged pictures of the watchlist were put back from their copy, nothing is lost",
    ),
}
"""What is said of one row that was put back, and of several, behind their number."""


@dataclass(slots=True)
class PutRight:
    """What was done: rows put back by table, people whose entry or picture differs from its copy or has no file."""

    put_back: dict[str, int] = field(default_factory=dict)
    copied: int = 0
    """Rows that the copy alone had lost."""
    doubtful: list[str] = field(default_factory=list)

    def sentences(self) -> list[str]:
        """For the health item and the page; they name nobody."""
        told = [
            f"{count:,} {many}" if count > 1 else one
            for table, (one, many) in _PUT_BACK.items()
            if (count := self.put_back.get(table, 0))
        ]
        if self.copied:
            told.append("the copy of the watchlist was damaged and is made anew, nothing is lost")
        if len(self.doubtful) == 1:
            told.append(
                "the entry or a picture of 1 person of the watchlist may be wrong or lost: the audit says whose"
            )
        elif self.doubtful:
            people = f"{len(self.doubtful):,}"
            told.append(
                f"entries or pictures of {people} people of the watchlist may be wrong or lost: the audit says whose"
            )
        return told

    def tell_whose(self, db: sqlite3.Connection, now: dt.datetime) -> None:
        """Name the doubtful in the audit: an erasure reaches that."""
        for person_id in self.doubtful:
            audit.append(db, now, audit.LOCAL, ACTION, f"person {person_id}", {}, person_id=person_id)


def problems(db: sqlite3.Connection) -> list[str]:
    """Where the list and its copy differ, and what is wrong with their indexes; sqlite3.Error where one can't be read.

    Empty for a database without a copy, which is older.
    """
    there = {row[0] for row in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    found = [
        row[0]
        for table in _CHECKED
        if table in there
        for row in db.execute(f"PRAGMA integrity_check({table})")
        if row[0] != "ok"
    ]
    if found or not all(copy in there for copy, _ in TABLES.values()):
        return found
    if db.execute("SELECT count(*) FROM sqlite_schema WHERE type = 'trigger'").fetchone()[0] < _TRIGGERS:
        return ["triggers missing"]
    return [f"{table}{_DIFFERS}" for table in TABLES if any(_differences(db, table))]


def is_well(db: sqlite3.Connection) -> bool:
    """Whether list and copy are alike, and can be read."""
    try:
        return not problems(db)
    except sqlite3.DatabaseError as error:
        if not connect.is_damaged(error):
            raise
        return False


def is_all(found: Sequence[str]) -> bool:
    """Whether nothing else was found than that list and copy differ."""
    return all(one.endswith(_DIFFERS) for one in found)


def put_right(db: sqlite3.Connection) -> PutRight:
    """Put back rows that the list has lost, and copy those that the copy has; within the caller's transaction.

    Where both have a row and they differ nobody can tell which is right: that of the list stays.
    """
    done, doubtful = PutRight(), set[str]()
    for table, (copy, key) in TABLES.items():
        lost, extra, changed = _differences(db, table)
        columns = ", ".join(_columns(db, copy))
        put_back = f"INSERT OR IGNORE INTO {table} ({columns}) SELECT {columns} FROM {copy} WHERE {key} = ?"
        doubtful |= {_person(db, copy, key, one) for one in lost if not _is_whole(db, table, one)}
        kept = [one for one in lost if _is_whole(db, table, one)]
        db.executemany(put_back, [(one,) for one in kept])
        db.executemany(f"DELETE FROM {copy} WHERE {key} = ?", [(one,) for one in lost if one not in kept])
        renew = f"INSERT OR REPLACE INTO {copy} ({columns}) SELECT {columns} FROM {table} WHERE {key} = ?"
        doubtful |= {_person(db, table, key, one) for one in changed}
        db.executemany(renew, [(one,) for one in extra + changed])
        done.put_back[table] = len(kept)
        done.copied += len(extra)
    without = "SELECT person_id FROM person_references WHERE image_sha256 NOT IN (SELECT sha256 FROM images)"
    doubtful |= {row[0] for row in db.execute(without)}
    done.doubtful = sorted(doubtful)
    return done


def _is_whole(db: sqlite3.Connection, table: str, key: str) -> bool:
    """Whether a lost row can be put back: a picture needs its row, and a person."""
    if table == "people":
        return True
    query = """SELECT 1 FROM references_copy WHERE reference_id = ? AND person_id IN (SELECT person_id FROM people)
        AND image_sha256 IN (SELECT sha256 FROM images)"""
    return db.execute(query, (key,)).fetchone() is not None


def _person(db: sqlite3.Connection, table: str, key: str, value: str) -> str:
    return str(db.execute(f"SELECT person_id FROM {table} WHERE {key} = ?", (value,)).fetchone()[0])


def _differences(db: sqlite3.Connection, table: str) -> tuple[list[str], list[str], list[str]]:
    """Keys of rows that the list has lost, that the copy has lost, and that are in both, but not alike."""
    copy, key = TABLES[table]
    columns = [key, *(column for column in _columns(db, copy) if column != key)]
    listed, copied = dict(_rows(db, table, columns)), dict(_rows(db, copy, columns))
    return (
        [one for one in copied if one not in listed],
        [one for one in listed if one not in copied],
        [one for one, rest in listed.items() if one in copied and copied[one] != rest],
    )


def _rows(db: sqlite3.Connection, table: str, columns: Sequence[str]) -> Iterator[tuple[str, int]]:
    """Key of each row, and a hash of the rest: embeddings of a long list need not all be in memory."""
    for row in db.execute(f"SELECT {', '.join(columns)} FROM {table} NOT INDEXED"):
        yield row[0], hash(row[1:])


def _columns(db: sqlite3.Connection, table: str) -> list[str]:
    return [row[1] for row in db.execute(f"PRAGMA table_info({table})")]
