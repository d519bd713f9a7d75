"""`edge user` and `edge token`: added, listed, revoked, no secret shown twice."""

from __future__ import annotations

import json
from pathlib import Path

from edge.store import Store
from tests.support.appliance import Appliance


def test_users_and_tokens(tmp_path: Path) -> None:
    box = Appliance(tmp_path)
    short = box.edge("user", "add", "ann", "--role", "supervisor", "--password-stdin", stdin="short\n")
    assert short.returncode == 65
    done = box.edge("user", "add", "ann", "--role", "supervisor", "--password-stdin", stdin="correct horse battery\n")
    assert done.returncode == 0, done.stderr
    assert json.loads(box.edge("user", "list", "--json").stdout) == [{"name": "ann", "role": "supervisor"}]
    secret = box.edge("token", "add", "central", "--scope", "alerts:read").stdout.strip()
    assert len(secret) >= 43
    assert secret not in box.edge("token", "list", "--json").stdout
    assert box.edge("token", "revoke", "central").returncode == 0
    assert box.edge("token", "revoke", "central").returncode != 0


def test_the_first_user_is_a_supervisor(tmp_path: Path) -> None:
    """Anybody else would close the claim and leave a box that nobody can administrate."""
    box, password = Appliance(tmp_path), "correct horse battery\n"
    for role in ("guard", "installer", "auditor"):
        refused = box.edge("user", "add", "gus", "--role", role, "--password-stdin", stdin=password)
        assert refused.returncode == 65
        assert "no supervisor yet" in refused.stderr
        assert "--role supervisor" in refused.stderr
    assert json.loads(box.edge("user", "list", "--json").stdout) == []
    assert box.edge("user", "claim").returncode == 0, "the box can still be claimed"
    assert box.edge("user", "add", "ann", "--role", "supervisor", "--password-stdin", stdin=password).returncode == 0
    assert box.edge("user", "add", "gus", "--role", "guard", "--password-stdin", stdin=password).returncode == 0


def test_a_link_logs_a_person_in_once(tmp_path: Path) -> None:
    box = Appliance(tmp_path)
    assert box.edge("user", "link", "ann").returncode != 0, "nobody has that name"
    box.edge("user", "add", "ann", "--role", "supervisor", "--password-stdin", stdin="correct horse battery\n")
    done = box.edge("user", "link", "ann", "--minutes", "5")
    assert done.returncode == 0, done.stderr
    address, _, secret = done.stdout.strip().partition("/login/link?token=")
    assert address == box.url
    assert "once, within 5 minutes" in done.stderr
    with Store.open(box.data_dir) as store:
        audited = {entry.action: entry.object for entry in store.audit_log.newest(None, 20)}
        assert audited["user.link"] == "user ann"
        assert store.use_login_link(secret).result() == "ann"
        assert store.use_login_link(secret).result() is None
