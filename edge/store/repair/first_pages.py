"""A copy of the pages that hold the schema, beside the database: without the first of them nothing else is found.

They change only with a migration. The copy is put back where the schema can't be read any more, and only if it then
proves to be the database's own. No row of any table is in it.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path

from edge import durable
from edge.store import migrate
from edge.store.database import connect
from edge.store.database.gaps import RawFiles
from edge.store.feed.epoch_file import EpochFile
from edge.store.repair import header, schema

FILE = "schema.pages"
"""Epoch and version in its first line, then each page behind its number."""
_PAGE = header.PAGE_BYTES
_MAX_PAGES = 64
_INTERIOR = 5
"""First byte of a page of a table that has pages below it."""


def keep(path: Path, key: tuple[int, int]) -> None:
    """Copy the pages of a database that was just opened and stays open by `key`; its log is empty, or nothing is done.

    A full disk stops nothing.
    """
    if (seen := EpochFile(path.parent).read()) is None or connect.log_bytes(path):
        return
    pages = dict(_pages(RawFiles.handle(key, path), 1))
    content = b"".join(number.to_bytes(4, "big") + page for number, page in pages.items())
    content = f"{seen[0]} {migrate.migrations()[-1].number}\n".encode() + content
    copy = path.with_name(FILE)
    with contextlib.suppress(OSError):
        # Of the header, counters change all the time: it is the rest that counts.
        if not copy.exists() or _rest(copy.read_bytes()) != _rest(content):
            durable.replace(copy, content)


def _rest(content: bytes) -> tuple[bytes, bytes]:
    line, _, pages = content.partition(b"\n")
    return line, pages[4 + header.NUM_BYTES :]


def _pages(handle: int, number: int, depth: int = 0) -> Iterator[tuple[int, bytes]]:
    """Number and bytes of a page of the schema and of those below it."""
    page = os.pread(handle, _PAGE, (number - 1) * _PAGE)
    yield number, page
    start = header.NUM_BYTES if number == 1 else 0
    if len(page) < _PAGE or page[start] != _INTERIOR or depth > 2:
        return
    cells = [int.from_bytes(page[at : at + 2], "big") for at in _cells(page, start)]
    for at in (*cells, start + 8):
        yield from _pages(handle, int.from_bytes(page[at : at + 4], "big"), depth + 1)


def _cells(page: bytes, start: int) -> range:
    count = min(int.from_bytes(page[start + 3 : start + 5], "big"), _MAX_PAGES)
    return range(start + 12, start + 12 + 2 * count, 2)


def put_back(path: Path) -> bool:
    """Put the pages back if the schema can't be read; returns whether it is whole now.

    Called while nobody else has the file open. Another program's file, in which no page is as it was, stays as it is.
    """
    if header.opens(path, is_thorough=False) or (kept := _kept(path)) is None:
        return False
    version, pages = kept
    key = RawFiles.register(path)
    try:
        handle = RawFiles.handle(key, path)
        former = {number: os.pread(handle, _PAGE, (number - 1) * _PAGE) for number in pages}
        if not any(former[number] == page for number, page in pages.items() if number != 1):
            return False
        _write(handle, {**pages, 1: header.without_free_pages(pages[1], path)})
        if _is_own(path, version):
            return True
        _write(handle, former)
        return False
    finally:
        RawFiles.unregister(key)


def _kept(path: Path) -> tuple[int, Mapping[int, bytes]] | None:
    """Version and pages of the copy; None where there is none of this history of the database."""
    try:
        line, _, rest = path.with_name(FILE).read_bytes().partition(b"\n")
    except OSError:
        return None
    seen, words = EpochFile(path.parent).read(), line.decode(errors="replace").split()
    if seen is None or len(words) != 2 or words[0] != seen[0] or not words[1].isdecimal() or len(rest) % (_PAGE + 4):
        return None
    parts = [rest[at : at + _PAGE + 4] for at in range(0, len(rest), _PAGE + 4)]
    pages = {int.from_bytes(part[:4], "big"): part[4:] for part in parts}
    return (int(words[1]), pages) if 1 in pages else None


def _write(handle: int, pages: Mapping[int, bytes]) -> None:
    for number, page in pages.items():
        os.pwrite(handle, page, (number - 1) * _PAGE)
    os.fsync(handle)


def _is_own(path: Path, version: int) -> bool:
    try:
        with contextlib.closing(connect.open_reader(path)) as db:
            names = {row[0] for row in db.execute("SELECT name FROM sqlite_schema WHERE sql IS NOT NULL")}
            return migrate.has_own_tables(db) and migrate.version_of(db) == version and names >= schema.names(version)
    except (sqlite3.Error, UnicodeDecodeError):
        return False
