"""`edge watchlist import` of folders as people have them: a dry run, refusals one by one, names that are no UTF-8."""

from __future__ import annotations

import json
import os
import tarfile
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from edge.app.selfcheck import demo_clip
from edge.cli.root import app
from edge.errors import ImageError
from edge.pixels.encode import to_png
from edge.store import Store
from tests.support.capture.clips import encode_video, scenes
from tests.support.paths import find_case


@pytest.fixture
def box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data directory for the commands."""
    monkeypatch.setenv("EDGE_DATA_DIR", str(tmp_path / "data"))
    return tmp_path / "data"


def run(*words: str | Path, code: int = 0) -> str:
    done = CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)
    assert done.exit_code == code, done.output
    return done.stdout


@pytest.fixture
def folder(tmp_path: Path, portrait: Path) -> Path:
    """Two people in a list, a bin, what a Mac leaves, and pictures that can't be used."""
    root = tmp_path / "box"
    for name in ("0", "1", "#recycle", "__MACOSX"):
        (root / "Dataset" / name).mkdir(parents=True)
    entries = {"0": {"Name": "Ann", "ID": "a"}, "1": {"Name": "Bob", "ID": "b"}}
    (root / "people.json").write_text(json.dumps(entries))
    (root / "settings.json").write_text('{"items": []}')
    (root / "Dataset" / "0" / "face.png").write_bytes(portrait.read_bytes())
    (root / "Dataset" / "0" / "._face.png").write_bytes(b"\x00\x05\x16\x07")
    (root / "Dataset" / "0" / "broken.heic").write_bytes(b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic")
    (root / "Dataset" / "1" / "wall.jpg").write_bytes(b"no picture")
    (root / "Dataset" / "#recycle" / "old.png").write_bytes(portrait.read_bytes())
    return root


def test_a_dry_run_shows_the_pairing_and_changes_nothing(box: Path, folder: Path) -> None:
    told = json.loads(run("watchlist", "import", folder, "--dry-run", "--json"))
    columns = ("folder", "paired_by", "id", "name", "pictures")
    seen = [(*(one[key] for key in columns), Path(one["first"]).name) for one in told["people"]]
    assert seen == [("0", "key", "a", "Ann", 2, "broken.heic"), ("1", "key", "b", "Bob", 1, "wall.jpg")]
    (note,) = told["notes"]
    assert "settings.json: passed over; it is no list of people" in note
    plain = run("watchlist", "import", folder, "--dry-run")
    assert "Nothing was changed" in plain
    assert "wall.jpg" in plain
    assert not box.exists()


def test_refused_pictures_are_told_one_by_one(box: Path, folder: Path) -> None:
    told = run("watchlist", "import", folder, code=65)
    lines = told.splitlines()
    assert any("broken.heic: is" in line for line in lines)
    assert any("wall.jpg: is not an image" in line for line in lines)
    assert "b was not enrolled: no picture can be used" in lines
    assert "1 person enrolled, 1 refused." in told
    assert not any("._face" in line or "recycle" in line for line in lines)
    with Store.open(box) as store:
        assert [person.name for person in store.people()] == ["Ann"]


def test_a_picture_named_as_a_video_is_taken_and_a_video_is_not(box: Path, folder: Path) -> None:
    person = folder / "Dataset" / "0"
    (person / "face.png").rename(person / "face.MP4")
    encode_video(person / "clip.mp4", scenes(3), format="mp4")
    (person / "words.mov").write_text("no picture")
    told = run("watchlist", "import", folder, "--dry-run")
    assert "face.MP4: not read" not in told
    told = run("watchlist", "import", folder, code=65)
    for name in ("clip.mp4", "words.mov"):
        assert any(f"{name}: not read; it is no picture of a known kind" in line for line in told.splitlines())
    with Store.open(box) as store:
        assert [person.name for person in store.people()] == ["Ann"]


def test_where_nobody_can_be_enrolled_every_picture_is_named(box: Path, folder: Path) -> None:
    (folder / "Dataset" / "0" / "face.png").unlink()
    with pytest.raises(ImageError, match="nobody could be enrolled") as caught:
        run("watchlist", "import", folder)
    lines = str(caught.value).splitlines()
    for name in ("broken.heic", "wall.jpg"):
        assert [line.count(f"/{name}: ") for line in lines if name in line] == [1], "it is named once"
    assert lines[-2:] == [f"{one} was not enrolled: no picture can be used" for one in "ab"]


def test_an_uncertain_pairing_prints_both_lists(box: Path, folder: Path) -> None:
    (folder / "Dataset" / "2").mkdir()
    for more in ((), ("--dry-run",)):
        with pytest.raises(ImageError, match="nothing was imported") as caught:
            run("watchlist", "import", folder, *more)
        assert [line.split() for line in str(caught.value).splitlines()[1:]] == [
            ["folder", "entry"],
            ["0", "<->", "'0':", "Ann", "(ID", "a)"],
            ["1", "<->", "'1':", "Bob", "(ID", "b)"],
            ["2", "?"],
        ]


def test_names_that_are_no_utf_8_are_imported_processed_and_printed(box: Path, tmp_path: Path, portrait: Path) -> None:
    picture = Path(os.fsdecode(os.fsencode(tmp_path / "people") + b"/Jos\xe9/portr\xe4t.png"))
    picture.parent.mkdir(parents=True)
    picture.write_bytes(portrait.read_bytes())
    (one,) = json.loads(run("watchlist", "import", tmp_path / "people", "--json"))["enrolled"]
    assert (one["id"], one["name"]) == ("Jos", "Jos\ufffd")
    listed = json.loads(run("watchlist", "list", "--references", "--json"))
    assert [reference["source"] for reference in listed["references"]] == ["portr\ufffdt.png"]
    for given in (picture, picture.parent):
        (clip,) = json.loads(run("process", given, "--out", tmp_path / "out", "--json"))["clips"]
        assert [hit["name"] for hit in clip["hits"]] == ["Jos\ufffd"]
    assert "Jos\ufffd (1.00, one picture)" in run("process", picture, "--out", tmp_path / "out")
    for command in ("detect", "embed"):
        for line in run(command, picture, "--json").splitlines():
            assert json.loads(line)["path"].endswith("Jos\ufffd/portr\ufffdt.png")
        assert "portr\ufffdt.png" in run(command, picture)
    picture.write_bytes(b"no picture")
    with pytest.raises(ImageError, match=r"portr.t[.]png: is not an image"):
        run("enrol", "--id", "x", "--name", "X", "--status", "s", picture)


def test_somebody_alike_is_named(box: Path, tmp_path: Path, portrait: Path) -> None:
    other = tmp_path / "other.png"
    other.write_bytes(to_png((demo_clip.portrait() * 0.93).astype(np.uint8)))
    run("enrol", "--id", "a1", "--name", "Ann Smith", "--status", "s", portrait)
    with pytest.raises(ImageError, match=r"looks like somebody else on the list.*: Ann Smith \(a1\)"):
        run("enrol", "--id", "b", "--name", "B", "--status", "s", other)


def test_the_kept_folder_with_a_western_name(box: Path, tmp_path: Path) -> None:
    case = find_case("latin1_folder.tgz")
    if case is None:
        pytest.skip("needs the kept case latin1_folder.tgz beside the public test data")
    with tarfile.open(case) as archive:
        archive.extractall(tmp_path, filter="tar")
    told = json.loads(run("watchlist", "import", tmp_path / "ds", "--json"))
    assert [one["id"] for one in told["enrolled"]] == ["0", "1", "Jos"]


def test_the_kept_folder_of_a_mac_is_imported(box: Path, tmp_path: Path) -> None:
    case = find_case("mac_folder.tgz")
    if case is None:
        pytest.skip("needs the kept case mac_folder.tgz beside the public test data")
    with tarfile.open(case) as archive:
        archive.extractall(tmp_path, filter="tar")
    told = json.loads(run("watchlist", "import", tmp_path / "ds" / "mac", "--json"))
    assert [(one["id"], one["name"]) for one in told["enrolled"]] == [
        ("A1", "Person A"),
        ("B2", "Person B"),
        ("C3", "Person C"),
    ]
    assert told["notes"] == []
