"""Reads what can be read of a damaged database, row by row, into a new one."""

from __future__ import annotations

import contextlib
import itertools
import re
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from edge.store.blobs import is_sha256
from edge.store.codec import time_from_text
from edge.store.database import connect
from edge.store.repair import list_copy

_LEFT_OUT = ("migrations",)
_PERSON_TIMES = ("changed_at", "expires_at")
_META_KEY = re.compile("[a-z_]+")
MAX_ROWID = 2**62
UNKNOWN_TIME = "1970-01-01T00:00:00.000Z"
MAX_ERRORS = 10_000
"""Damaged places of one table after which the rest of it is given up."""


@dataclass(slots=True)
class Salvage:
    """What came of it: rows copied, rows that were unreadable or made no sense, tables with a part missing."""

    copied: Counter[str] = field(default_factory=Counter)
    incomplete: list[str] = field(default_factory=list)
    remade: Counter[str] = field(default_factory=Counter)
    put_right: list_copy.PutRight = field(default_factory=list_copy.PutRight)
    """The watchlist, from its copy."""
    without_file: int = 0
    """Pictures of hits whose file is not there."""
    is_disk_failing: bool = False
    """Whether the disk could not read a part, which it may be able to another time."""

    def sentence(self) -> str:
        """For the health item and the page."""
        parts = [f"parts can't be read: {', '.join(self.incomplete)}"] if self.incomplete else []
        parts += [f"{count} {table} were made anew from other rows" for table, count in sorted(self.remade.items())]
        return "; ".join(parts + self.put_right.sentences()) or "every row could be read"


def copy_rows(old: sqlite3.Connection, new: sqlite3.Connection) -> Salvage:
    """Copy every readable row of each table that both have; `new` has its schema, and doesn't check foreign keys."""
    found = Salvage()
    # Without triggers, which would make the copy of the list from the list itself: what that has lost would not show.
    triggers = new.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").fetchall()
    for name, _ in triggers:
        new.execute(f"DROP TRIGGER {name}")
    try:
        tables = "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY rootpage"
        for (name,) in new.execute(tables).fetchall():
            if name not in _LEFT_OUT and name != "sqlite_sequence":
                _copy_table(old, new, name, found)
    finally:
        for _, sql in triggers:
            new.execute(sql)
    return found


def _copy_table(old: sqlite3.Connection, new: sqlite3.Connection, name: str, found: Salvage) -> None:
    columns = _common_columns(old, new, name)
    is_complete = bool(columns)
    keys, has_rowid = _keys(new, name)
    named = columns if not has_rowid else ["rowid", *columns]
    insert = f"INSERT OR IGNORE INTO {name} ({', '.join(named)}) VALUES ({', '.join('?' * len(named))})"
    reader = _Reader(old, name, columns, keys)
    for read in reader.rows() if columns else ():
        try:
            _require_sense(new, name, columns, read)
            row = _with_times(name, columns, read)
            new.execute(insert, row if has_rowid or keys != ["rowid"] else row[1:])
            found.copied[name] += 1
        except sqlite3.Error as error:
            if connect.is_full(error):
                raise  # the row is well: it is the copy that has no room
            is_complete = False
    found.is_disk_failing |= reader.is_disk_failing
    if not (is_complete and reader.is_complete and found.copied[name] >= _num_indexed(old, name)):
        found.incomplete.append(name)


def _num_indexed(db: sqlite3.Connection, name: str) -> int:
    """Rows that the indexes of a table know of: more than were read where a page of another table took one's place."""
    counts = [0]
    with contextlib.suppress(sqlite3.Error):
        for _, index, _, _, is_partial in db.execute(f"PRAGMA index_list({name})").fetchall():
            with contextlib.suppress(sqlite3.Error):
                if not is_partial:
                    counts.append(db.execute(f"SELECT count(*) FROM {name} INDEXED BY {index}").fetchone()[0])
    return max(counts)


def readable(db: sqlite3.Connection, name: str, columns: Sequence[str]) -> Iterator[tuple[object, ...]]:
    """These columns of every row of a table that can be read, in the order of the table; a row may come twice."""
    try:
        keys, _ = _keys(db, name)
    except (sqlite3.Error, TypeError):  # there is no such table, or none that can be known
        return
    first = 1 if keys == ["rowid"] else 0
    for row in _Reader(db, name, columns, keys).rows():
        yield row[first:]


def _require_sense(db: sqlite3.Connection, name: str, columns: Sequence[str], row: Sequence[object]) -> None:
    """sqlite3.DataError where a page was overwritten with something that only looks like a row."""
    values = dict(zip(columns, row[len(row) - len(columns) :], strict=True))
    if "body" in values and not db.execute("SELECT json_valid(?)", (values["body"],)).fetchone()[0]:
        raise sqlite3.DataError("no JSON")
    if name == "meta" and _META_KEY.fullmatch(str(values.get("key"))) is None:
        raise sqlite3.DataError("no key")
    times = [values.get(one) for one in _PERSON_TIMES]
    if name in ("people", "people_copy") and not any(one is None or _is_readable(one) for one in times):
        raise sqlite3.DataError("no person")
    named = [values[column] for column in ("sha256", "image_sha256") if column in values and name != "audit"]
    if not all(isinstance(one, str) and is_sha256(one) for one in named):
        raise sqlite3.DataError("no name of a picture")


def odd_times(db: sqlite3.Connection) -> list[str]:
    """Columns that hold something else than a time where there has to be one; items of the feed are read without."""
    found = []
    tables = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name <> 'feed'"
    for (name,) in db.execute(tables).fetchall():
        for column in filter(_is_time, [row[1] for row in db.execute(f"PRAGMA table_info({name})")]):
            odd = f"SELECT {column} FROM {name} WHERE {column} IS NOT NULL AND julianday({column}) IS NULL LIMIT 100"
            if not all(_is_readable(row[0]) for row in db.execute(odd)):
                found.append(f"{name}.{column} holds what is no time")
    return found


def _is_readable(value: object) -> bool:
    try:
        time_from_text(str(value))
    except ValueError:
        return False
    return True


def _is_time(column: str) -> bool:
    return column == "at" or column.endswith("_at")


def _with_times(name: str, columns: Sequence[str], row: Sequence[object]) -> tuple[object, ...]:
    """The row, with the first of all times where one can't be read: who owns it is worth more than when it came."""
    mended = list(row)
    for at, column in enumerate(columns, start=len(row) - len(columns)):
        if _is_time(column) and mended[at] is not None and not _is_readable(mended[at]):
            mended[at] = None if (name, column) == ("people", "expires_at") else UNKNOWN_TIME
    return tuple(mended)


def _common_columns(old: sqlite3.Connection, new: sqlite3.Connection, name: str) -> list[str]:
    mine = [row[1] for row in new.execute(f"PRAGMA table_info({name})")]
    try:
        theirs = {row[1] for row in old.execute(f"PRAGMA table_info({name})")}
    except sqlite3.Error:
        return []
    return [column for column in mine if column in theirs]


def _keys(db: sqlite3.Connection, name: str) -> tuple[list[str], bool]:
    """Columns to read in the order of, and whether the rowid is a column of its own, kept so that the order stays."""
    sql = db.execute("SELECT sql FROM sqlite_schema WHERE name = ?", (name,)).fetchone()[0]
    info = db.execute(f"PRAGMA table_info({name})").fetchall()
    keys = [row[1] for row in sorted(info, key=lambda row: row[5]) if row[5]]
    if "WITHOUT ROWID" in sql:
        return keys, False
    is_alias = len(keys) == 1 and next(row[2] for row in info if row[5]) == "INTEGER"
    return ["rowid"], not is_alias


class _Reader:
    """Rows of one table, past damaged pages. Of a table with rowids, each row begins with its rowid."""

    def __init__(self, db: sqlite3.Connection, name: str, columns: Sequence[str], keys: list[str]) -> None:
        self._db = db
        self._name = name
        self._has_rowid = keys == ["rowid"]
        self._chosen = ", ".join(["rowid", *columns] if self._has_rowid else columns)
        self._keys = keys
        self._key_at = [0] if self._has_rowid else [columns.index(key) for key in keys if key in columns]
        self._errors = 0
        self.is_complete = True
        """Whether no page was met that can't be read."""
        self.is_disk_failing = False

    def rows(self) -> Iterator[tuple[object, ...]]:
        """All that can be read; a row may come twice."""
        if not self._has_rowid:
            yield from self._some("", "")
            if not self.is_complete:
                yield from self._some("", " DESC")
            return
        last = -1
        while True:
            errors = self._errors
            for row in self._some("WHERE rowid > ?", "", last):
                last = int(str(row[0]))
                yield row
            is_hopeless = self._errors >= MAX_ERRORS
            if self._errors == errors or is_hopeless or (first := self._first_after(last)) is None or first <= last:
                return
            yield from self._some("WHERE rowid > ? AND rowid <= ?", " DESC", last, first)
            last = first

    def _some(self, where: str, order: str, *given: int) -> Iterator[tuple[object, ...]]:
        """Rows up to the first that can't be read."""
        ordered = ", ".join(f"{key}{order}" for key in self._keys)
        query = f"SELECT {self._chosen} FROM {self._name} NOT INDEXED {where} ORDER BY {ordered}"
        try:
            yield from self._in_order(self._db.execute(query, given), is_down=order == " DESC")
        except sqlite3.Error as error:
            if connect.is_full(error) or connect.is_locked(error):
                raise  # nothing is known of the row
            self._errors += 1
            self.is_complete = False
            self.is_disk_failing |= connect.is_unreadable(error)

    def _in_order(self, rows: Iterable[tuple[object, ...]], *, is_down: bool) -> Iterator[tuple[object, ...]]:
        """The rows for as long as their keys rise, or fall: where pages point back at each other they never end."""
        last: tuple[Any, ...] | None = None
        for row in rows:
            key = tuple(row[at] for at in self._key_at)
            if last is not None and not _follows(*((key, last) if is_down else (last, key))):
                raise sqlite3.DatabaseError("rows out of order")
            last = key
            yield row

    def _first_after(self, last: int) -> int | None:
        """The next rowid behind a damaged page, looked for in growing steps."""
        query = f"SELECT rowid FROM {self._name} NOT INDEXED WHERE rowid > ? ORDER BY rowid LIMIT 1"
        for step in itertools.takewhile(lambda step: last + step < MAX_ROWID, (1 << n for n in range(62))):
            with contextlib.suppress(sqlite3.Error):
                row = self._db.execute(query, (last + step,)).fetchone()
                return None if row is None else int(row[0])
        return None


def _follows(first: tuple[Any, ...], second: tuple[Any, ...]) -> bool:
    """Whether the second key comes after the first; not where what was read can't be compared."""
    try:
        return not first or second > first
    except TypeError:
        return False
