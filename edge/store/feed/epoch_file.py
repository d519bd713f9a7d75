"""The file `epoch` beside the database: epoch and head, which show a database that was replaced.

Written in place after each commit, without fsync: after a power loss it may be behind the database, which is normal.
"""

from __future__ import annotations

import contextlib
import os
import re
from pathlib import Path

FILE = "epoch"
_LINE = re.compile(rb"([0-9a-f]{16}) ([0-9]{20})\n")


class EpochFile:
    """Epoch and head as this program wrote them last, beside the database."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE

    def read(self) -> tuple[str, int] | None:
        """Epoch and head as last seen; None where there is no file, or none of ours."""
        try:
            found = _LINE.fullmatch(self._path.read_bytes())
        except OSError:
            return None
        return (found[1].decode(), int(found[2])) if found else None

    def write(self, epoch: str, head: int) -> None:
        """Overwrite in place: the file is at no instant empty or half."""
        with contextlib.suppress(OSError):  # a full disk must not stop what was committed
            is_new = not self._path.exists()
            handle = os.open(self._path, os.O_WRONLY | os.O_CREAT, 0o600)
            try:
                os.pwrite(handle, f"{epoch} {head:020d}\n".encode(), 0)
                if is_new:
                    os.fsync(handle)
            finally:
                os.close(handle)
