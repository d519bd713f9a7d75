"""`edge user` and `edge token`: added, listed, revoked, no secret shown twice."""

from __future__ import annotations

import json
from pathlib import Path

from tests.support.appliance import Appliance


def test_users_and_tokens(tmp_path: Path) -> None:
    box = Appliance(tmp_path)
    short = box.edge("user", "add", "ann", "--role", "guard", "--password-stdin", stdin="short\n")
    assert short.returncode == 78
    done = box.edge("user", "add", "ann", "--role", "guard", "--password-stdin", stdin="correct horse battery\n")
    assert done.returncode == 0, done.stderr
    assert json.loads(box.edge("user", "list", "--json").stdout) == [{"name": "ann", "role": "guard"}]
    secret = box.token("central")
    assert len(secret) >= 43
    assert secret not in box.edge("token", "list", "--json").stdout
    assert box.edge("token", "revoke", "central").returncode == 0
    assert box.edge("token", "revoke", "central").returncode != 0
