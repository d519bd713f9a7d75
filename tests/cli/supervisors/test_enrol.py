"""`edge enrol` takes pictures that show a face; the list goes out and comes back."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import numpy as np

from edge.cli.supervisors.enrol import _rows
from edge.pixels.encode import to_png
from edge.records import Person
from edge.store import Listing, Store
from edge.watchlist.entry import EnrolOutcome, PictureOutcome
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
    twice = box.edge("enrol", "--id", "q", "--name", "Q", "--status", "demo", portrait)
    assert (twice.returncode, "P (p). If they are two people who look alike, give --allow-alike" in twice.stderr) == (
        65,
        True,
    )
    assert box.edge("watchlist", "export", archive).returncode == 0
    receipt = json.loads(box.edge("forget", "p", "--json").stdout)
    assert receipt["references"] == 1
    assert box.edge("forget", "p").returncode == 65
    assert box.edge("watchlist", "import", archive).returncode == 0
    people = json.loads(box.edge("watchlist", "list", "--json").stdout)["people"]
    assert people == [{"id": "p", "name": "P", "status": "demo", "references": 1}]


def test_an_end_in_the_past_is_refused_and_one_that_has_come_is_told(tmp_path: Path, portrait: Path) -> None:
    box = Appliance(tmp_path)
    words = ["enrol", "--id", "p9", "--name", "P", "--status", "demo", str(portrait)]
    done = box.edge(*words, "--expires", "2021-02-03")
    assert done.returncode == 65
    assert "would have ended at 2021-02-03T00:00:00.000Z and never match: give a time to come" in done.stderr
    ended = Person("p9", "P", "demo", dt.datetime(2021, 2, 3, tzinfo=dt.UTC))
    with Store.open(box.data_dir) as store:
        store.put_listing(Listing(ended)).result()
    done = box.edge(*words)
    assert done.returncode == 0, done.stderr
    assert "The entry of P has ended and never matches" in done.stdout, "a picture alone changes no end"
    archive = tmp_path / "list.zip"
    assert box.edge("watchlist", "export", archive).returncode == 0
    assert box.edge("forget", "p9").returncode == 0
    done = box.edge("watchlist", "import", archive)
    assert done.returncode == 0, "what was exported comes back"
    assert "p9: this entry has ended and never matches" in done.stdout + done.stderr


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


def test_frames_of_a_video_that_show_nobody_are_counted() -> None:
    """A clip of a minute has hundreds of them; a line for each hides those that are kept."""
    said = "no face was found; use a picture that shows the face"
    frames = [PictureOutcome(f"a#b.mp4#{n}", False, "no_face", said, {}) for n in range(300)]
    better = PictureOutcome("a#b.mp4#301", False, "not_among_best", "good, but others of the video were better", {})
    kept = PictureOutcome("a#b.mp4#302", True, None, "accepted", {"quality": 71.5})
    picture = PictureOutcome("wall.png", False, "no_face", said, {}, place=1)
    assert list(_rows([*frames, better, kept, picture])) == [
        ("a#b.mp4#302", "kept", "accepted (quality 71.5)"),
        ("wall.png", "no_face", said),
        ("a#b.mp4: 300 frames", "no_face", said),
        ("a#b.mp4: 1 frame", "not_among_best", "good, but others of the video were better"),
    ]


def test_a_file_is_named_once_in_a_refusal() -> None:
    outcome = PictureOutcome("a.png", False, "unreadable", "a.png: can't be read (no such file)", {}, place=0)
    told = EnrolOutcome(Person("17", "Ann Example", "missing"), False, (outcome,)).why_refused()
    assert told == "a.png: can't be read (no such file)"
