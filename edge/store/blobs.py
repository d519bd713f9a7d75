"""Picture files by content: `blobs/aa/<sha256>`, durable before the row that names them. Files only, no SQL."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from edge.durable import sync

_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)
MIN_AGE_TO_DELETE_S = 3600.0
"""A file younger than this may belong to a row that another process is about to commit."""


def is_sha256(text: str) -> bool:
    """Whether `text` is a lower-case SHA-256, and so safe as a file name."""
    return _SHA256.fullmatch(text) is not None


class Blobs:
    """The folder of picture files. Deleting is only safe under the database's write lock (see images.py)."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(mode=0o700, exist_ok=True)

    def path(self, sha256: str) -> Path:
        """Where the picture lies, or would lie."""
        if not is_sha256(sha256):
            raise ValueError(f"{sha256!r} is not a SHA-256")
        return self.folder / sha256[:2] / sha256

    def has(self, sha256: str, num_bytes: int) -> bool:
        """Whether the file is there with that length."""
        try:
            return self.path(sha256).stat().st_size == num_bytes
        except FileNotFoundError:
            return False

    def write(self, sha256: str, data: bytes) -> None:
        """Store `data` durably under its hash; ValueError if the hash is not its own."""
        if hashlib.sha256(data).hexdigest() != sha256:
            raise ValueError(f"a picture was passed as {sha256}, which is not its SHA-256")
        target = self.path(sha256)
        if self.has(sha256, len(data)):
            os.utime(target)  # young again: a sweep of another process leaves it alone
            return
        if not target.parent.is_dir():
            target.parent.mkdir(mode=0o700, exist_ok=True)
            sync(self.folder)
        for tries_left in (2, 1, 0):
            try:
                self._put(target, data)
                break
            except FileNotFoundError:  # an erasure in another process has swept the half-written file
                if not tries_left:
                    raise
        sync(target.parent)

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
            with contextlib.suppress(FileNotFoundError):
                path.unlink()
                removed += 1
                folders.add(path.parent)
        for folder in folders:
            sync(folder)
        return removed

    def files(self) -> Iterator[Path]:
        """All files there are, half-written ones too."""
        for folder in sorted(self.folder.iterdir()):
            if folder.is_dir():
                yield from sorted(folder.iterdir())

    def names(self) -> Iterator[str]:
        """Their names."""
        return (file.name for file in self.files())

    def deletable_files(self, min_age_s: float = MIN_AGE_TO_DELETE_S) -> Iterator[str]:
        """Hashes of files old enough to be deleted. Left-over temporary files are deleted on the way.

        With `min_age_s` 0 all files are, whatever a clock that was set says of their age.
        """
        limit = time.time() - min_age_s if min_age_s > 0 else float("inf")
        for folder in sorted(self.folder.iterdir()):
            if not folder.is_dir():
                continue
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
