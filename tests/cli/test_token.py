"""Tokens that somebody else drew, and the rotation of a token."""

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


def test_two_tokens_of_one_name_while_one_replaces_the_other(tmp_path: Path) -> None:
    box = appliance.Appliance(tmp_path)
    first = box.edge("token", "add", "central", "--scope", "alerts:read").stdout.strip()
    second = box.edge("token", "add", "central", "--scope", "alerts:read", "--days", "30").stdout.strip()
    assert box.edge("token", "add", "central", "--scope", "alerts:read").returncode == 65
    with Store.open(box.data_dir) as store:
        assert store.check_token(first) is not None
        assert store.check_token(second) is not None
        store.note_pull("central", 7)
    done = box.edge("token", "revoke", "central", "--older")
    assert done.returncode == 0, done.stderr
    with Store.open(box.data_dir) as store:
        assert store.check_token(first) is None
        assert store.check_token(second) is not None
        assert [consumer.seq for consumer in store.consumers()] == [7], "the consumer outlives the rotation"
    assert box.edge("token", "revoke", "central", "--older").returncode == 65
    assert (box.data_dir / "edge.db").read_bytes().find(second.encode()) == -1
