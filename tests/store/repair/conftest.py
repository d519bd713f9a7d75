"""A data directory in good order, for tests to damage a copy of."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

import pytest

from edge.store import Store
from tests.support.store import ANN, add_hits, enrol


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("good")
    with Store.open(folder) as store:
        enrol(store, ANN)
        store.add_token("city", ["alerts:read"]).result(20)
        store.add_user("ann", "guard", "correct horse").result(20)
        store.coverage.begin().result(20)
        add_hits(store, ANN, range(1, 13))
    with contextlib.closing(sqlite3.connect(folder / "edge.db")) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return folder
