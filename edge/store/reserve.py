"""A file that only takes up room. On a full disk even deleting rows needs some: then this file is given up for it."""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path

NUM_BYTES = 8_000_000
NEEDED = 2
"""The reserve is laid out only while the disk has this many times its size left."""


def lay_out(folder: Path) -> bool:
    """Take the room if it isn't taken and the disk has plenty; returns whether the reserve is there."""
    path = folder / "reserve"
    if path.exists():
        return True
    if shutil.disk_usage(folder).free < NEEDED * NUM_BYTES:
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


def give_up(folder: Path) -> bool:
    """Give the room back; returns whether there was any."""
    with contextlib.suppress(FileNotFoundError):
        (folder / "reserve").unlink()
        return True
    return False
