"""Tokens that somebody else drew."""

from __future__ import annotations

from pathlib import Path

from edge.store import Store
from tests.support import appliance


def test_a_token_drawn_elsewhere_is_read_from_standard_input(tmp_path: Path) -> None:
    box, secret = appliance.Appliance(tmp_path), "A" * 43
    done = box.edge("token", "add", "central", "--scope", "alerts:read", "--secret-stdin", stdin=f"{secret}\n")
    assert (done.returncode, secret in done.stdout) == (0, False)
    with Store.open(box.data_dir) as store:
        found = store.check_token(secret)
        assert found is not None
        assert found.name == "central"
    done = box.edge("token", "add", "weak", "--scope", "alerts:read", "--secret-stdin", stdin="short\n")
    assert done.returncode == 78
    assert "draw at least 32" in done.stderr
