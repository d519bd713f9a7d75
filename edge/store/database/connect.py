"""Connections to edge.db, the lock on its folder, and what its errors mean. No table is named here."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import shutil
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from sqlite_utils.db import Database, Table

from edge.errors import StoreError

BUSY_MS = 5000
"""How long a write waits for another process, such as a command that adds a token."""
LOG_PAGES = 250
"""Pages of the log that are moved into the database at once: on a slow card an alert waits for that, too."""
LITTLE_BYTES = 500_000
"""With less free than this, an error that may be for want of room is taken for that."""
CHECKPOINT_TRIES = 2
"""Attempts to empty the log; each waits up to `BUSY_MS` for readers."""


@contextlib.contextmanager
def lock_folder(data_dir: Path) -> Iterator[None]:
    """Make the folder if need be, and let one process at a time open it."""
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = data_dir / "open.lock"
        if lock.is_dir():
            raise StoreError(f"{lock}: is a folder, where a lock file belongs; move it away")
        handle = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        if is_full(error):
            raise StoreError(f"{data_dir}: {_MEANING[sqlite3.SQLITE_FULL]}") from error
        text = f"{data_dir}: can't be written ({error.strerror}); check who owns it, or choose another data_dir"
        raise StoreError(text) from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def lock_file(path: Path, *, is_shared: bool) -> int | None:
    """Lock a file, alone or with others, until the handle is closed; None where somebody holds it otherwise."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, (fcntl.LOCK_SH if is_shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return None
    return handle


def lock_alone(handle: int) -> bool:
    """Lock an open file alone; False where another process has it locked."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def lock_shared(handle: int) -> None:
    """Lock an open file together with others."""
    fcntl.flock(handle, fcntl.LOCK_SH)


def read_text(data: bytes) -> str:
    """Text of a column; a byte that damage has changed must not keep all other rows from being read."""
    return data.decode("utf-8", "replace")


def open_writer(path: Path) -> sqlite3.Connection:
    """A connection that may write. It is handed to the writer thread, hence no thread check."""
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=BUSY_MS / 1000)
    db.text_factory = read_text
    try:
        db.execute("PRAGMA auto_vacuum = INCREMENTAL")  # only counts for a database that has no table yet
        if db.execute("PRAGMA journal_mode = WAL").fetchone()[0] != "wal":
            raise StoreError(f"{path}: can't use write-ahead logging there; put data_dir on a local disk")
        db.execute("PRAGMA synchronous = FULL")
        db.execute("PRAGMA foreign_keys = ON")
        db.execute("PRAGMA secure_delete = ON")
        db.execute(f"PRAGMA wal_autocheckpoint = {LOG_PAGES}")
        db.execute("PRAGMA temp_store = MEMORY")
    except BaseException:
        db.close()
        raise
    return db


def open_reader(path: Path) -> sqlite3.Connection:
    """A read-only connection, used by one thread at a time."""
    uri = f"file:{quote(str(path.resolve()))}?mode=ro"
    db = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False, timeout=BUSY_MS / 1000)
    db.text_factory = read_text
    db.execute("PRAGMA query_only = ON")
    return db


def open_alone(path: Path) -> sqlite3.Connection:
    """A connection that reads without the shared index of the log, for which a full disk may have no room.

    Only while no other process has the database open.
    """
    db = sqlite3.connect(path, isolation_level=None, timeout=BUSY_MS / 1000)
    db.execute("PRAGMA locking_mode = EXCLUSIVE")
    db.execute("PRAGMA query_only = ON")
    return db


def table(db: sqlite3.Connection, name: str) -> Table:
    """A table with sqlite-utils' verbs. Within a transaction they use savepoints, so nothing commits early."""
    return Database(db, recursive_triggers=False, execute_plugins=False).table(name)


class Readers:
    """Read-only connections, lent to one reader at a time; as many as there were readers at once."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._idle: list[sqlite3.Connection] = []
        self._closed = False
        self._generation = 0

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[sqlite3.Connection]:
        """A connection inside one read transaction: all its queries see the same instant."""
        with self._lock:
            if self._closed:
                raise StoreError(f"{self._path}: the store is closed")
            db = self._idle.pop() if self._idle else None
            generation = self._generation
        try:
            db = db or open_reader(self._path)
            db.execute("BEGIN")
            try:
                yield db
            finally:
                db.execute("ROLLBACK")
        except sqlite3.Error as error:
            if db is not None:
                db.close()
            raise explain(error, self._path) from error
        except BaseException:
            self._give_back(db, generation)
            raise
        self._give_back(db, generation)

    def renew(self) -> None:
        """Another file is in the database's place: connections to the former one are used no more."""
        with self._lock:
            self._generation += 1
            idle, self._idle = self._idle, []
        for db in idle:
            db.close()

    def _give_back(self, db: sqlite3.Connection | None, generation: int) -> None:
        with self._lock:
            if db is not None and not self._closed and generation == self._generation:
                self._idle.append(db)
                return
        if db is not None:
            db.close()

    def close(self) -> None:
        """Close what is idle now, and the rest when it is given back."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for db in idle:
            db.close()


@contextlib.contextmanager
def immediate(db: sqlite3.Connection) -> Iterator[None]:
    """One write transaction; commits at the end, rolls back on any error."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


def files_of(path: Path) -> tuple[Path, ...]:
    """The files of the database at `path`: itself, its write-ahead log, and the index of that."""
    return tuple(path.with_name(path.name + end) for end in ("", "-wal", "-shm"))


def log_bytes(path: Path) -> int:
    """Length of the write-ahead log of the database at `path`."""
    log = path.with_name(path.name + "-wal")
    return log.stat().st_size if log.exists() else 0


def truncate_log(db: sqlite3.Connection, path: Path, tries: int = CHECKPOINT_TRIES) -> int:
    """Move the log into the database and empty it; returns the bytes left where a reader holds it open."""
    for _ in range(tries):
        if db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0:
            break
    return log_bytes(path)


_MEANING = {
    sqlite3.SQLITE_FULL: "the disk is full; free some space, or lower max_image_bytes",
    sqlite3.SQLITE_BUSY: "another process kept the database locked too long; try again, or stop that process",
    sqlite3.SQLITE_NOTADB: "not a database; move the file away, or choose another data_dir",
    sqlite3.SQLITE_CORRUPT: "the database is damaged; it is mended when the service starts next",
    sqlite3.SQLITE_READONLY: "can't be written; check who owns the folder and whether its disk is mounted read-only",
    sqlite3.SQLITE_CANTOPEN: "can't be opened; check that data_dir exists and who owns it",
    sqlite3.SQLITE_IOERR: "the disk fails to read or write; look at the kernel log, and replace the disk",
    sqlite3.SQLITE_PERM: "access is denied; check who owns the folder",
}


def is_full(error: BaseException) -> bool:
    """Whether the disk had no room."""
    if isinstance(error, OSError):
        return error.errno in (errno.ENOSPC, errno.EDQUOT)
    if not isinstance(error, sqlite3.Error):
        return False
    # SQLite calls it an I/O error where the disk has no room for the index of its log.
    return (
        _primary_code(error) == sqlite3.SQLITE_FULL
        or getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_IOERR_SHMSIZE
    )


def is_full_at_start(error: BaseException, folder: Path) -> bool:
    """Whether opening failed for want of room: on a full disk SQLite has many names for that."""
    if is_full(error):
        return True
    vague = isinstance(error, sqlite3.Error) and _primary_code(error) in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN)
    return vague and shutil.disk_usage(folder).free < LITTLE_BYTES


def is_locked(error: BaseException) -> bool:
    """Whether another process held the database."""
    return isinstance(error, sqlite3.Error) and _primary_code(error) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def is_damaged(error: BaseException) -> bool:
    """Whether the file's content makes no sense, or a part of it can't be read from the disk."""
    return isinstance(error, sqlite3.Error) and (
        _primary_code(error) in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB) or is_unreadable(error)
    )


def is_unreadable(error: BaseException) -> bool:
    """Whether the disk could not read a part of the file, as with a bad sector."""
    codes = (sqlite3.SQLITE_IOERR_READ, sqlite3.SQLITE_IOERR_SHORT_READ)
    return isinstance(error, sqlite3.Error) and getattr(error, "sqlite_errorcode", None) in codes


def explain(error: sqlite3.Error | OSError, path: Path) -> StoreError:
    """One paragraph: where, what, what to do."""
    if is_full(error) or (path.parent.is_dir() and is_full_at_start(error, path.parent)):
        return StoreError(f"{path}: {_MEANING[sqlite3.SQLITE_FULL]} ({error})")
    if isinstance(error, OSError) and error.errno == errno.EIO:
        meaning = _MEANING[sqlite3.SQLITE_IOERR]
        return StoreError(f"{error.filename or path}: {meaning} ({error})")
    if isinstance(error, OSError):
        return StoreError(f"{error.filename or path}: {error.strerror or error}; check data_dir and who owns it")
    meaning = _MEANING.get(
        _primary_code(error), "the database refused; this is a fault of the program, please report it"
    )
    return StoreError(f"{path}: {meaning} ({error})")


def _primary_code(error: sqlite3.Error) -> int:
    """SQLite's result code without its extension; 0 where Python itself raised the error."""
    return (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF
