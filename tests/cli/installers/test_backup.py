"""`edge backup` as commands on a data directory, beside a running store and without one."""

from __future__ import annotations

import json
from pathlib import Path

from edge.store import Store
from tests.support import appliance
from tests.support.store import ANN, add_hits, enrol


def test_what_came_after_a_backup_is_gone_once_it_is_restored(tmp_path: Path) -> None:
    box, file = appliance.Appliance(tmp_path), tmp_path / "backup"
    assert box.edge("backup", "create", file).returncode == 65, "there is nothing yet"
    with Store.open(box.data_dir) as store:
        enrol(store, ANN)
        add_hits(store, ANN, [1, 2])
        made = box.edge("backup", "create", file)
        assert made.returncode == 0, made.stderr
        assert "NOT encrypted" in made.stdout
        add_hits(store, ANN, [3])
        again = box.edge("backup", "create", file)
        assert (again.returncode, "is there already" in again.stderr) == (65, True)
        refused = box.edge("backup", "restore", file, "--yes")
        assert (refused.returncode, "stop it first" in refused.stderr) == (74, True)
    dry = box.edge("backup", "restore", file, "--json")
    said = json.loads(dry.stdout)
    assert (said["backup"]["hits"], said["present"]["hits"], said["is_done"]) == (2, 3, False)
    assert "Nothing was changed" in box.edge("backup", "restore", file).stdout
    with Store.open(box.data_dir) as store:
        assert store.count_hits() == 3
        assert store.audit_log.verify().problems == ()
    assert box.edge("forget", ANN.person_id).returncode == 0
    assert "1 person was erased here since" in box.edge("backup", "restore", file).stdout
    done = box.edge("backup", "restore", file, "--yes")
    assert done.returncode == 0, done.stderr
    assert "1 person was erased here since" in done.stdout, "also where nobody asked before"
    with Store.open(box.data_dir) as store:
        assert store.count_hits() == 2
    file.write_bytes(file.read_bytes()[:5000])
    half = box.edge("backup", "restore", file, "--yes")
    assert (half.returncode, "take another copy" in half.stderr) == (65, True)


def test_a_damaged_picture_is_named_and_the_backup_can_be_restored(tmp_path: Path) -> None:
    box, file = appliance.Appliance(tmp_path), tmp_path / "backup"
    with Store.open(box.data_dir) as store:
        enrol(store, ANN)
        picture = store.image_path(store.references()[0].image_sha256)
    assert picture is not None
    picture.write_bytes(b"\0" * 100)
    made = box.edge("backup", "create", file, "--json")
    assert (made.returncode, json.loads(made.stdout)["left_out"]) == (0, {picture.name: ANN.person_id})
    assert f"warning: 1 picture left out, for the file in {picture.parent.parent} is missing or damaged" in made.stderr
    done = box.edge("backup", "restore", file, "--yes")
    assert done.returncode == 0, done.stderr
