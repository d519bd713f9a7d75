"""`edge enrol` takes pictures that show a face; the list goes out and comes back."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from edge.pixels.encode import to_png
from edge.store import Store
from tests.support.appliance import Appliance


def test_enrol_refuses_what_shows_no_face(tmp_path: Path) -> None:
    picture = tmp_path / "wall.png"
    picture.write_bytes(to_png(np.full((200, 200, 3), 128, np.uint8)))
    box = Appliance(tmp_path)
    done = box.edge("enrol", "--id", "x", "--name", "X", "--status", "test", picture)
    assert done.returncode == 65, done.stderr
    assert "no face" in done.stderr
    listed = box.edge("watchlist", "list", "--json")
    assert json.loads(listed.stdout)["people"] == []


def test_enrol_list_export_import_forget(tmp_path: Path, portrait: Path) -> None:
    box = Appliance(tmp_path)
    assert box.edge("enrol", "--id", "p", "--name", "P", "--status", "demo", portrait).returncode == 0
    archive = tmp_path / "list.zip"
    assert box.edge("watchlist", "export", archive).returncode == 0
    receipt = json.loads(box.edge("forget", "p", "--json").stdout)
    assert receipt["references"] == 1
    assert box.edge("forget", "p").returncode == 65
    assert box.edge("watchlist", "import", archive).returncode == 0
    people = json.loads(box.edge("watchlist", "list", "--json").stdout)["people"]
    assert people == [{"id": "p", "name": "P", "status": "demo", "references": 1}]


def test_more_pictures_leave_the_end_of_an_entry(tmp_path: Path, portrait: Path) -> None:
    box = Appliance(tmp_path)
    words = ["enrol", "--id", "p9", "--name", "P", "--status", "demo", str(portrait)]
    done = box.edge(*words, "--reason", "theft", "--owner", "ines", "--expires", "2031-02-03")
    assert done.returncode == 0, done.stderr
    done = box.edge(*words, "--allow-alike")
    with Store.open(box.data_dir) as store:
        person = store.person("p9")
        assert person is not None
        assert (person.reason, person.owner) == ("theft", "ines")
        assert person.expires_at is not None
        assert person.expires_at.isoformat() == "2031-02-03T00:00:00+00:00"
