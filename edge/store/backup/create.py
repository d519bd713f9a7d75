"""Makes a backup while the service runs: database, pictures and keys as of one instant.

Every picture file is linked first, then the database is copied in one read transaction. So whatever row the copy has,
its picture is there, although the service may delete it meanwhile. One whose file the disk has lost or damaged is left
out and told: with it no restore would take the backup.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import errno
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

from edge import __version__
from edge.durable import is_whole, sync
from edge.errors import ConflictError, StoreError
from edge.store.backup import age, archive, parts
from edge.store.blobs import is_sha256
from edge.store.codec import time_to_text
from edge.store.database import connect, meta
from edge.store.feed import feed

LOCK = "backup.lock"


def create(
    data_dir: Path,
    target: Path,
    now: dt.datetime,
    recipients: Sequence[str] = (),
    progress: parts.Progress = lambda what, done, total: None,
    tell_lost: Callable[[str], None] = lambda sha256: None,
) -> archive.Manifest:
    """Write a backup to `target`, encrypted where there are recipients; what it holds. Raises StoreError, ConfigError.

    `tell_lost` is called with the SHA-256 of each picture that is left out. The file appears under its name only once
    it is whole and on the disk. An existing file is not replaced.
    """
    keys = [age.recipient_of(one) for one in recipients]
    if target.exists():
        raise ConflictError(f"{target}: is there already; choose another name, or remove it first")
    if target.resolve().is_relative_to(data_dir.resolve()):
        raise ConflictError(f"{target}: lies in the data directory itself; choose a place on another disk")
    lock = connect.lock_file(data_dir / LOCK, is_shared=False)
    if lock is None:
        raise ConflictError(f"{data_dir}: another backup is being made; wait for it")
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        with _staged(data_dir) as staging:
            handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(handle, "wb") as file:
                manifest = _write(file, data_dir, staging, now, keys, progress, tell_lost)
                file.flush()
                os.fsync(file.fileno())
        part.rename(target)
        sync(target.parent)
        return manifest
    except (sqlite3.Error, OSError) as error:
        raise _explain(error, data_dir, target) from error
    finally:
        part.unlink(missing_ok=True)
        os.close(lock)


def _write(
    file: IO[bytes],
    data_dir: Path,
    staging: Path,
    now: dt.datetime,
    keys: Sequence[Any],
    progress: parts.Progress,
    tell_lost: Callable[[str], None],
) -> archive.Manifest:
    about, pictures = _facts(staging / parts.DATABASE, now)
    members = _members(data_dir, staging, pictures)
    total = sum(path.stat().st_size for path in members.values() if path.exists())
    done = num_lost = 0

    def tell(num_bytes: int) -> None:
        nonlocal done
        done += num_bytes
        progress("MB written", done // parts.MB, max(1, total // parts.MB))

    with age.encrypting(file, keys) if keys else contextlib.nullcontext(file) as stream:
        writer = archive.Writer(stream, tell)
        for name, path in members.items():
            if path.parent == staging and is_sha256(path.name) and not _is_whole(path):
                _require_still_named(data_dir, path)
                tell_lost(path.name)
                num_lost += 1
                continue
            writer.add(name, path)
        return writer.finish(replace(about, files=writer.files, pictures=about.pictures - num_lost))


def _is_whole(picture: Path) -> bool:
    """Whether a picture's file is there and is what its name says."""
    try:
        return is_whole(picture, picture.name)
    except OSError:
        return False


def _require_still_named(data_dir: Path, picture: Path) -> None:
    """Raise FileNotFoundError where a picture is missing since it was deleted, after the database was copied.

    An erasure takes our whole folder away: nobody who is erased may stay in a copy.
    """
    if picture.exists():
        return
    with contextlib.closing(connect.open_reader(data_dir / parts.DATABASE)) as db:
        is_named = db.execute("SELECT 1 FROM images WHERE sha256 = ?", (picture.name,)).fetchone() is not None
    if not is_named or not picture.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, "deleted meanwhile", str(picture))


def _members(data_dir: Path, staging: Path, pictures: Sequence[str]) -> dict[str, Path]:
    """The files of a backup, by their names in it, in order."""
    found = {parts.DATABASE: staging / parts.DATABASE}
    found |= {name: data_dir / name for name in parts.FILES if (data_dir / name).is_file()}
    for folder in parts.FOLDERS:
        for path in sorted((data_dir / folder).glob("*")):
            if path.is_file() and path.name[0] != ".":
                found[f"{folder}/{path.name}"] = path
    return found | {f"{parts.BLOBS}/{sha256[:2]}/{sha256}": staging / sha256 for sha256 in pictures}


@contextlib.contextmanager
def _staged(data_dir: Path) -> Iterator[Path]:
    """A folder with links to all pictures and a copy of the database, gone afterwards."""
    staging, path = data_dir / parts.STAGING, data_dir / parts.DATABASE
    shutil.rmtree(staging, ignore_errors=True)  # left by a backup that was killed
    staging.mkdir(mode=0o700)
    try:
        for folder in sorted((data_dir / parts.BLOBS).iterdir()):
            for picture in folder.iterdir() if folder.is_dir() else ():
                if is_sha256(picture.name):
                    _link(picture, staging)
        copy = staging / parts.DATABASE
        os.close(os.open(copy, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        with contextlib.closing(connect.open_reader(path)) as db:
            db.execute("PRAGMA query_only = OFF")  # the connection is read-only still; the copy is not
            db.execute("VACUUM INTO ?", (str(copy),))
        with contextlib.closing(connect.open_reader(copy)) as db:
            for (sha256,) in db.execute("SELECT sha256 FROM images"):
                if not (staging / sha256).exists():  # stored since the links were made
                    _link(data_dir / parts.BLOBS / sha256[:2] / sha256, staging)
        yield staging
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _link(picture: Path, staging: Path) -> None:
    # One that is deleted this very moment is missed only if a row names it, which is looked for afterwards.
    with contextlib.suppress(FileNotFoundError):
        os.link(picture, staging / picture.name)


def _facts(path: Path, now: dt.datetime) -> tuple[archive.Manifest, list[str]]:
    """What the copy of the database is about, and the pictures that its rows name."""
    with contextlib.closing(connect.open_reader(path)) as db:

        def number(table: str) -> int:
            return int(db.execute(f"SELECT count(*) FROM {table}").fetchone()[0])

        pictures = [row[0] for row in db.execute("SELECT sha256 FROM images ORDER BY sha256")]
        about = archive.Manifest(
            device_id=meta.get(db, meta.Key.DEVICE_ID) or "",
            made_at=time_to_text(now),
            program=__version__,
            epoch=meta.get(db, meta.Key.EPOCH) or "",
            head=feed.head(db),
            people=number("people"),
            hits=number("hits"),
            pictures=len(pictures),
        )
    return about, pictures


def _explain(error: sqlite3.Error | OSError, data_dir: Path, target: Path) -> StoreError:
    if isinstance(error, FileNotFoundError) and parts.STAGING in str(error.filename):
        return StoreError(f"{target}: somebody was erased while the backup was made, so it was given up; make it again")
    if isinstance(error, OSError) and not connect.is_full(error):
        return StoreError(f"{target}: the backup can't be written ({error.strerror or error}); choose another place")
    if connect.is_full(error):
        place = f"{target.parent} or {data_dir}"
        return StoreError(f"{place}: no room for the backup, which also needs a copy of the database for a while")
    return connect.explain(error, data_dir / parts.DATABASE)
