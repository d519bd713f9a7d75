"""`edge identity` as commands on a data directory."""

from __future__ import annotations

import json
from pathlib import Path

from edge.store import Store
from tests.support import appliance

OTHER = {"machine_id": ("other",), "serial": ("other",), "mac": ("other",), "disk": ("other",)}


def test_a_clone_gets_an_identity_of_its_own(tmp_path: Path) -> None:
    box = appliance.Appliance(tmp_path)
    assert box.edge("identity", "show").returncode == 65, "nothing is made just by asking"
    assert not box.data_dir.exists()
    token = box.token()
    assert box.edge("identity", "show").returncode == 0
    with Store.open(box.data_dir) as store:
        former = store.box_id
        store.identity.keep(OTHER)
    shown = box.edge("identity", "show", "--json")
    # What tells this machine from others is little in a container, and may not suffice to call it another.
    assert json.loads(shown.stdout)["device_id"] == former
    assert json.loads(shown.stdout)["box_id"] == former
    box.config.write_text(f'box_id = "gate 3"\n{box.config.read_text()}')
    named = json.loads(box.edge("identity", "show", "--json").stdout)
    assert (named["device_id"], named["box_id"]) == (former, "gate 3")
    assert shown.returncode == int(json.loads(shown.stdout)["is_clone"])

    said = json.loads(box.edge("identity", "new", "--json").stdout)
    assert said == {"former": former, "tokens": 1, "logins": 0, "is_done": False}
    with Store.open(box.data_dir) as store:
        assert store.check_token(token) is not None, "without --yes nothing is done"
        refused = box.edge("identity", "new", "--yes")
        assert (refused.returncode, "stop it first" in refused.stderr) == (74, True)
    done = box.edge("identity", "new", "--yes", "--json")
    assert done.returncode == 0, done.stderr
    with Store.open(box.data_dir) as store:
        assert store.box_id == json.loads(done.stdout)["device_id"] != former
        assert store.check_token(token) is None
        store.identity.keep(OTHER)
    assert box.edge("identity", "keep").returncode == 0
    assert json.loads(box.edge("identity", "show", "--json").stdout)["changed"] == []
