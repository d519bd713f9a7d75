"""The first hundred bytes of the database file: what is the same in every file of ours is put right, if it was damaged.

One changed bit in them makes SQLite refuse the whole file, or take it for another program's, though every row is well.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import sqlite3
from pathlib import Path

from edge.store import migrate
from edge.store.database import connect
from edge.store.database.gaps import RawFiles

NUM_BYTES = 100
PAGE_BYTES = 4096
MAX_WRONG = 8
"""Bytes that may differ: with more, the page is another one."""
_CONSTANT = {
    0: b"SQLite format 3\0",
    16: b"\x10\x00\x02\x02\x00\x40\x20\x20",  # page size, write-ahead log, no reserved bytes, fractions of a page
    44: (4).to_bytes(4, "big"),  # format of the schema
    56: (1).to_bytes(4, "big"),  # UTF-8
    60: bytes(4),
    64: (1).to_bytes(4, "big"),  # free pages are given back by and by
    68: migrate.APPLICATION_ID.to_bytes(4, "big"),
    72: bytes(20),
}
"""By offset; see "The Database Header" in SQLite's file format."""
_OWN_WORDS = (b"CREATE TABLE migrations", b"CREATE TABLE person_references")


def mend(path: Path) -> bool:
    """Put the header right if the rest of the file is ours; returns whether it was wrong.

    Called while nobody else has the file open. One that proves to be another program's is as it was.
    """
    key = RawFiles.register(path)
    try:
        handle = RawFiles.handle(key, path)
        former = os.pread(handle, NUM_BYTES, 0)
        tries = _tries(former, path)
        if tries == [former] or not _is_ours(handle):
            return False
        # Where the number of pages is in question, what makes all of the file sound is right; else what can be read.
        for is_thorough in (True, False) if len(tries) > 1 else (False,):
            for right in tries:
                _write(handle, right)
                if opens(path, is_thorough=is_thorough):
                    return right != former
        _write(handle, former)
        return False
    finally:
        RawFiles.unregister(key)


def _write(handle: int, header: bytes) -> None:
    if os.pread(handle, NUM_BYTES, 0) != header:
        os.pwrite(handle, header, 0)
        os.fsync(handle)


def _tries(former: bytes, path: Path) -> list[bytes]:
    """Headers that may be right, the likeliest first: the former one alone where there is nothing to put right."""
    right, counted = _put_right(former), _num_pages(path)
    if len(former) == NUM_BYTES and not any(former):  # a sector that was not written; what stands behind it tells
        return [former] if counted is None else [_with_count(right, counted)]
    if sum(a != b for a, b in zip(right, former, strict=True)) > MAX_WRONG:
        right = former
    if counted is None or int.from_bytes(right[28:32], "big") == counted:
        return [right]
    return [right, _with_count(right, counted)]


def _num_pages(path: Path) -> int | None:
    """Pages that the file holds; None where a log has more of them, or the file was cut within one."""
    log = path.with_name(path.name + "-wal")
    num_pages, rest = divmod(path.stat().st_size, PAGE_BYTES)
    return None if rest or num_pages < 1 or (log.exists() and log.stat().st_size) else num_pages


def _with_count(header: bytes, num_pages: int) -> bytes:
    """The header with that number of pages, in the form in which SQLite believes it."""
    count, largest_root = num_pages.to_bytes(4, "big"), header[52:56] if any(header[52:56]) else b"\0\0\0\1"
    return header[:28] + count + header[32:52] + largest_root + header[56:92] + header[24:28] + header[96:]


def without_free_pages(page: bytes, path: Path) -> bytes:
    """The first page as it once was, for the file as it is: nobody knows any more which pages are free."""
    right = page[:32] + bytes(8) + page[40:]
    counted = _num_pages(path)
    return right if counted is None else _with_count(right, counted)


def _put_right(header: bytes) -> bytes:
    if len(header) < NUM_BYTES:
        return header
    right = bytearray(header)
    for at, value in _CONSTANT.items():
        right[at : at + len(value)] = value
    if header[18:20] == b"\x01\x01":  # a copy that was not opened yet has no write-ahead log
        right[18:20] = header[18:20]
    if header[52:56] == bytes(4) and any(header):
        right[64:68] = bytes(4)
    return bytes(right)


def _is_ours(handle: int) -> bool:
    with mmap.mmap(handle, 0, access=mmap.ACCESS_READ) as data:
        return all(data.find(word) >= 0 for word in _OWN_WORDS)


def opens(path: Path, *, is_thorough: bool) -> bool:
    """Whether the schema can be read now, and is ours; with `is_thorough`, whether every page is where it belongs."""
    try:
        with contextlib.closing(connect.open_reader(path)) as db:
            is_sound = not is_thorough or db.execute("PRAGMA quick_check").fetchall() == [("ok",)]
            return is_sound and migrate.has_own_tables(db)
    except (sqlite3.Error, UnicodeDecodeError):  # of a damaged schema, Python can't read what SQLite tells
        return False
