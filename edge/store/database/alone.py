"""Who may work on a data directory: one service; nobody else while it gets a new identity, or is restored."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

from edge.errors import StoreError
from edge.store.database import connect

IN_USE = "in-use.lock"
"""Locked by everybody who has the store open."""
_LOOK_EVERY_S = 0.1


@contextlib.contextmanager
def alone(data_dir: Path, wait_s: float = 0.0) -> Iterator[None]:
    """Keep others from opening the store; StoreError where somebody has it open after `wait_s`."""
    with connect.lock_folder(data_dir):
        until = time.monotonic() + wait_s
        while (handle := connect.lock_file(data_dir / IN_USE, is_shared=False)) is None and time.monotonic() < until:
            time.sleep(_LOOK_EVERY_S)
        if handle is None:
            raise StoreError(f"{data_dir}: the service or another command has it open; stop it first")
        try:
            yield
        finally:
            os.close(handle)


@contextlib.contextmanager
def as_service(data_dir: Path) -> Iterator[None]:
    """Be the only service of a data directory that was opened; StoreError where another one is.

    Two would watch twice, and every alert would come twice. Commands may have the store open meanwhile.
    """
    path = data_dir / "service.lock"
    try:
        handle = connect.lock_file(path, is_shared=False)
    except OSError as error:
        raise connect.explain(error, path) from error
    if handle is None:
        raise StoreError(f"{data_dir}: another service works on it; stop that one, or give this one its own data_dir")
    try:
        yield
    finally:
        os.close(handle)
