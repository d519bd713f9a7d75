"""Work on a data directory that nobody else may have open, such as giving it a new identity or restoring it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from edge.errors import StoreError
from edge.store.database import connect

IN_USE = "in-use.lock"
"""Locked by everybody who has the store open."""


@contextlib.contextmanager
def alone(data_dir: Path) -> Iterator[None]:
    """Keep others from opening the store; StoreError while the service or a command has it open."""
    with connect.lock_folder(data_dir):
        handle = connect.lock_file(data_dir / IN_USE, is_shared=False)
        if handle is None:
            raise StoreError(f"{data_dir}: the service or another command has it open; stop it first")
        try:
            yield
        finally:
            os.close(handle)
