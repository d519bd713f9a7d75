"""An 8 MB file that is deleted when the disk is full, because even deleting rows needs space; and what is free."""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path

NUM_BYTES = 8_000_000
NEEDED = 2
"""The reserve is created only while the disk has this many times its size left."""


def free_bytes(folder: Path) -> int:
    """Bytes of disk that are left."""
    return shutil.disk_usage(folder).free


def create(folder: Path) -> bool:
    """Create the file unless it is there or the disk has little space; returns whether it is there."""
    path = folder / "reserve"
    if path.exists():
        return True
    if free_bytes(folder) < NEEDED * NUM_BYTES:
        return False
    handle = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        os.posix_fallocate(handle, 0, NUM_BYTES)
    except OSError:
        path.unlink()
        return False
    finally:
        os.close(handle)
    return True


def release(folder: Path) -> bool:
    """Delete the file; returns whether it was there."""
    with contextlib.suppress(FileNotFoundError):
        (folder / "reserve").unlink()
        return True
    return False
