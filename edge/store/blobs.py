"""Picture files by content: `blobs/aa/<sha256>`, durable before the row that names them. Files only, no SQL.

A folder that is gone is made anew. One that can't be used is told as `problem`, and hits are kept without pictures.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import re
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from edge.durable import sync
from edge.store.database.connect import is_full

_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)
FORMER = "blobs.former"
"""What lay in the place of the folder and is none."""
MIN_AGE_TO_DELETE_S = 3600.0
"""A file younger than this may belong to a row that another process is about to commit."""


def is_sha256(text: str) -> bool:
    """Whether `text` is a lower-case SHA-256, and so safe as a file name."""
    return _SHA256.fullmatch(text) is not None


def _require_usable(folder: Path) -> None:
    """OSError where files can't be listed or made in a folder."""
    os.scandir(folder).close()
    if not os.access(folder, os.W_OK | os.X_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


class Blobs:
    """The folder of picture files. Deleting is only safe under the database's write lock (see images.py)."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.problem = ""
        """Why pictures can't be kept now; empty where they can."""
        self._place = folder
        """Where that was met: the folder, or one of those in it."""
        self._make_ready()

    def _make_ready(self) -> bool:
        """Make the folder where there is none; a file in its place is moved away. Where that fails, it is told why."""
        with contextlib.suppress(OSError):
            if self.folder.is_file() and not self.folder.is_symlink():
                self.folder.replace(self.folder.with_name(FORMER))
        try:
            self.folder.mkdir(mode=0o700, exist_ok=True)
            _require_usable(self.folder)
        except OSError as error:
            if is_full(error):
                raise
            self.note(error, self.folder)
            return False
        return True

    def look(self) -> bool:
        """Whether the folder was there; one that is gone is made anew. A `problem` that is over is forgotten."""
        was_there = os.path.isdir(self.folder)  # noqa: PTH112 - `Path.is_dir` raises where the way there is barred
        if not was_there or self.problem:
            with contextlib.suppress(OSError):  # a full disk, which others tell
                self._look_again()
        return was_there

    def _look_again(self) -> None:
        place = self._place
        if not self._make_ready():
            return
        try:
            if place.is_dir():  # what is gone is made anew by the next write
                _require_usable(place)
                tempfile.TemporaryFile(dir=place).close()
        except OSError as error:
            if not is_full(error):
                self.note(error, place)
                return
        self.problem = ""

    def is_kept(self, sha256: str) -> bool:
        """Whether the file is there, and not empty."""
        with contextlib.suppress(OSError):
            return is_sha256(sha256) and self.path(sha256).stat().st_size > 0
        return False

    def note(self, error: OSError, place: Path) -> None:
        """Tell that pictures can't be kept in `place`, the folder or one in it, and why."""
        self._place = place
        self.problem = f"{place} can't be used ({error.strerror or error})"

    def place_of(self, error: OSError) -> Path:
        """The folder in this one that an error names; else this one."""
        named = Path(os.fsdecode(error.filename)) if isinstance(error.filename, str | bytes) else self.folder
        return next((one for one in (named, *named.parents) if one.parent == self.folder), self.folder)

    def path(self, sha256: str) -> Path:
        """Where the picture lies, or would lie."""
        if not is_sha256(sha256):
            raise ValueError(f"{sha256!r} is not a SHA-256")
        return self.folder / sha256[:2] / sha256

    def has(self, sha256: str, num_bytes: int) -> bool:
        """Whether the file is there with that length, as far as the folder can be read."""
        try:
            return self.path(sha256).stat().st_size == num_bytes
        except OSError:
            return False

    def write(self, sha256: str, data: bytes) -> None:
        """Store `data` durably under its hash; ValueError if the hash is not its own. OSError also sets `problem`."""
        if hashlib.sha256(data).hexdigest() != sha256:
            raise ValueError(f"a picture was passed as {sha256}, which is not its SHA-256")
        target = self.path(sha256)
        try:
            self._write(target, data)
        except OSError as error:
            if not is_full(error):
                self.note(error, target.parent)
            raise
        if self._place in (self.folder, target.parent):
            self.problem = ""

    def _write(self, target: Path, data: bytes) -> None:
        if self.has(target.name, len(data)):
            os.utime(target)  # young again: a sweep of another process leaves it alone
            return
        for tries_left in (2, 1, 0):
            try:
                self._require_folder(target.parent)
                self._put(target, data)
                break
            except FileNotFoundError:
                # An erasure in another process swept the half-written file, or somebody removed the folder.
                if not tries_left:
                    raise
        sync(target.parent)

    def _require_folder(self, folder: Path) -> None:
        if folder.is_dir():
            return
        if not self.folder.is_dir():
            self._make_ready()
            sync(self.folder.parent)
        with contextlib.suppress(FileNotFoundError, IsADirectoryError):
            folder.unlink()  # a file in its place
        folder.mkdir(mode=0o700, exist_ok=True)
        sync(self.folder)

    def _put(self, target: Path, data: bytes) -> None:
        handle, name = tempfile.mkstemp(prefix=".new-", dir=target.parent)  # mode 0600
        temporary = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(target)
        except BaseException:
            with contextlib.suppress(OSError):
                temporary.unlink()
            raise

    def remove(self, hashes: Iterable[str]) -> int:
        """Delete files, durably; returns how many were there. What is no SHA-256, as a damaged row says, has none."""
        removed, folders = 0, set()
        for sha256 in filter(is_sha256, hashes):
            path = self.path(sha256)
            with contextlib.suppress(FileNotFoundError, NotADirectoryError):
                path.unlink()
                removed += 1
                folders.add(path.parent)
        for folder in folders:
            sync(folder)
        return removed

    def files(self) -> Iterator[Path]:
        """All files there are, half-written ones too."""
        for folder in self._folders():
            with contextlib.suppress(FileNotFoundError):
                yield from sorted(folder.iterdir())

    def _folders(self) -> list[Path]:
        try:
            return [folder for folder in sorted(self.folder.iterdir()) if folder.is_dir()]
        except FileNotFoundError:
            return []

    def names(self) -> Iterator[str]:
        """Their names."""
        return (file.name for file in self.files())

    def deletable_files(self, min_age_s: float = MIN_AGE_TO_DELETE_S) -> Iterator[str]:
        """Hashes of files old enough to be deleted. Left-over temporary files are deleted on the way.

        With `min_age_s` 0 all files are, whatever a clock that was set says of their age.
        """
        limit = time.time() - min_age_s if min_age_s > 0 else float("inf")
        for folder in self._folders():
            for file in list(folder.iterdir()):
                try:
                    is_young = file.stat().st_mtime > limit
                except FileNotFoundError:
                    continue  # another process deleted it meanwhile
                if is_young:
                    continue
                if is_sha256(file.name):
                    yield file.name
                elif file.name.startswith(".new-"):
                    file.unlink(missing_ok=True)
