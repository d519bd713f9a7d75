"""A device to back up."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.ops.release.signing import device_key
from edge.store import Store
from tests.support.store import ANN, BOB, add_hits, enrol


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A device with two people, hits, a user, a token and keys."""
    folder = tmp_path / "data"
    with Store.open(folder) as store:
        enrol(store, ANN)
        enrol(store, BOB)
        add_hits(store, ANN, range(1, 6))
        store.add_user("ann", "guard", "correct horse battery").result()
        store.add_token("central", ["alerts:read"]).result()
    device_key(folder)
    (folder / "commission").mkdir()
    (folder / "commission" / "20260301.html").write_text("a sheet")
    return folder
