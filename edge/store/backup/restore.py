"""Puts a backup in the place of the data: looked through whole, unpacked beside it, then swapped in.

Until all is unpacked, checked and on the disk the data stays as it is. One rename then decides; a kill later than that
is made good by the next start (`finish`), which moves what is left to move.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import io
import os
import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from edge.durable import sync
from edge.errors import ImageError, StoreError
from edge.store import migrate
from edge.store.audit import audit
from edge.store.backup import age, archive, parts
from edge.store.database import connect, meta
from edge.store.database.alone import alone
from edge.store.feed import epoch, feed
from edge.store.feed.epoch_file import EpochFile
from edge.store.repair import damage

if TYPE_CHECKING:
    from typing_extensions import Buffer


@dataclass(frozen=True, slots=True)
class Present:
    """The data that a restore would replace."""

    device_id: str
    people: int
    hits: int
    head: int
    erased_since: int
    """People erased here since the backup was made, who may be in it."""


def _tell_nobody(what: str, done: int, total: int) -> None:
    """Progress that nobody looks at."""


def look(source: Path, identity: Path | None = None, progress: parts.Progress = _tell_nobody) -> archive.Manifest:
    """Read a whole backup and check every byte, writing nothing. Raises ImageError."""
    with _opened(source, identity, progress, "MB checked") as stream:
        return archive.read(stream)


def present(data_dir: Path, since: str) -> Present | None:
    """What there is now; None where there is no database, or none that can be read."""
    path = data_dir / parts.DATABASE
    if not path.exists():
        return None
    query = "SELECT count(*) FROM audit WHERE action = ? AND at > ?"
    try:
        with contextlib.closing(connect.open_reader(path)) as db:
            people, hits = (db.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in ("people", "hits"))
            erased = db.execute(query, (audit.ERASED, since)).fetchone()[0]
            return Present(meta.get(db, meta.Key.DEVICE_ID) or "", people, hits, feed.head(db), erased)
    except sqlite3.Error:
        return None


def replaced(data_dir: Path, since: str) -> Present | None:
    """What there was before the latest restore; None where there was nothing, or it is gone."""
    return present(data_dir / parts.REPLACED, since)


def restore(
    source: Path,
    data_dir: Path,
    now: dt.datetime,
    identity: Path | None = None,
    progress: parts.Progress = _tell_nobody,
) -> archive.Manifest:
    """Replace the data by a backup. Raises StoreError while somebody has the store open, ImageError for a bad file.

    The restored database begins a new feed epoch. What was there lies in `restore.replaced` afterwards.
    """
    manifest = look(source, identity, progress)
    with alone(data_dir):
        finish(data_dir)
        unpacked = data_dir / parts.UNPACKED
        free = shutil.disk_usage(data_dir).free
        if free < manifest.num_bytes:
            told = f"{manifest.num_bytes // 1_000_000} MB are needed and {free // 1_000_000} MB free"
            raise StoreError(f"{data_dir}: no room to unpack the backup beside the data: {told}")
        try:
            unpacked.mkdir(mode=0o700)
            with _opened(source, identity, progress, "MB unpacked") as stream:
                if archive.read(stream, lambda name, data: _unpack(unpacked / name, data)) != manifest:
                    raise ImageError(f"{source}: has changed while it was read; nothing was replaced")
            _begin_epoch(unpacked, data_dir, now)
            os.sync()
        except (sqlite3.Error, OSError) as error:
            shutil.rmtree(unpacked, ignore_errors=True)
            raise connect.explain(error, unpacked / parts.DATABASE) from error
        except BaseException:
            shutil.rmtree(unpacked, ignore_errors=True)
            raise
        shutil.rmtree(data_dir / parts.REPLACED, ignore_errors=True)
        unpacked.rename(data_dir / parts.READY)  # from here on it is restored
        sync(data_dir)
        finish(data_dir)
    return manifest


def finish(data_dir: Path) -> None:
    """Swap in what a restore has made ready; called while nobody has the store open, and again after a kill."""
    ready, moving, replaced = (data_dir / name for name in (parts.READY, parts.MOVING, parts.REPLACED))
    try:
        for left in (parts.UNPACKED, parts.STAGING):
            shutil.rmtree(data_dir / left, ignore_errors=True)
        if ready.is_dir():
            replaced.mkdir(mode=0o700, exist_ok=True)
            for name in parts.TAKEN_AWAY:
                _move(data_dir / name, replaced / name)
            sync(replaced)
            sync(data_dir)
            ready.rename(moving)
            sync(data_dir)
        if moving.is_dir():
            for path in sorted(moving.iterdir()):
                _move(path, data_dir / path.name)
            sync(data_dir)
            moving.rmdir()
    except OSError as error:
        raise StoreError(
            f"{error.filename or data_dir}: a restored backup can't be put in place ({error.strerror}); "
            "mend that, and start again: nothing is lost"
        ) from error


def _move(path: Path, target: Path) -> None:
    if not path.exists():
        return
    if path.is_dir() and target.is_dir():
        # Opening the store makes an empty folder; whichever of the two is empty gives way.
        with contextlib.suppress(OSError):
            path.rmdir()
            return
        target.rmdir()
    path.replace(target)


def _unpack(path: Path, data: IO[bytes]) -> tuple[int, str]:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        return archive.count(path.name, data, file.write)


def _begin_epoch(unpacked: Path, data_dir: Path, now: dt.datetime) -> None:
    """Cursors of the former history are answered with 410: the numbers after the backup are given again."""
    path = unpacked / parts.DATABASE
    with contextlib.closing(migrate.open_database(path, now)) as db:
        if found := damage.problems(db):
            raise ImageError(f"the database of the backup was damaged when it was made ({found[0]}); take an older one")
        with connect.immediate(db):
            number = epoch.begin_restored(db, now, EpochFile(data_dir).read())
            head = feed.head(db)
        connect.truncate_log(db, path)
    EpochFile(unpacked).write(number, head)


class _Reading(io.FileIO):
    """A file that tells how much of it has been read."""

    def __init__(self, path: Path, progress: parts.Progress, what: str) -> None:
        super().__init__(path)
        self._tell, self._what = progress, what
        self._total = max(1, path.stat().st_size // parts.MB)

    def readinto(self, buffer: Buffer, /) -> int | None:
        """Read as a file does."""
        num_bytes = super().readinto(buffer)
        self._tell(self._what, self.tell() // parts.MB, self._total)
        return num_bytes


@contextlib.contextmanager
def _opened(source: Path, identity: Path | None, progress: parts.Progress, what: str) -> Iterator[IO[bytes]]:
    try:
        with _Reading(source, progress, what) as raw, io.BufferedReader(raw, 1 << 20) as file:
            is_encrypted = file.read(len(age.MAGIC)) == age.MAGIC
            file.seek(0)
            if is_encrypted and identity is None:
                raise ImageError("it is encrypted: give the private key of its recipient with --identity")
            opened = age.decrypting(file, age.identities_of(identity)) if is_encrypted and identity else None
            with opened or contextlib.nullcontext(file) as stream:
                yield stream
    except ImageError as error:
        raise ImageError(f"{source}: {error}") from None
    except OSError as error:
        if error.filename is not None and Path(error.filename) == source:
            raise ImageError(f"{source}: can't be read ({error.strerror})") from None
        raise
