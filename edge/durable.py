"""Writes files and links so that a power cut leaves the old version or the new one, never a part; tells whole ones."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path


def sync(path: Path) -> None:
    """Wait until a file, or a folder's list of names, is on the disk. Raises OSError."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def replace(path: Path, data: bytes, mode: int = 0o600) -> None:
    """Put `data` in the place of `path` in one step; whoever reads sees the old file or the new. Raises OSError."""
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError:
        part.unlink(missing_ok=True)  # don't leave half a file on a full disk
        raise
    sync(path.parent)


def point(link: Path, target: Path) -> None:
    """Lead a link elsewhere in one step: at every instant it leads to the old place or the new. Raises OSError."""
    part = link.with_name(f".{link.name}.{os.getpid()}")
    part.unlink(missing_ok=True)
    part.symlink_to(target)
    part.replace(link)
    sync(link.parent)


def is_whole(path: Path, sha256: str) -> bool:
    """Whether a file holds what was kept under that SHA-256, in lower-case hexadecimal. OSError: it can't be read."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == sha256
