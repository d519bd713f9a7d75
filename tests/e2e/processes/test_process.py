"""`edge process` to the end: who is found, who is not, the same bits twice, and a report a person can read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from edge.records import Person
from tests.support.appliance import Appliance

ENROLLED = {"A": "again", "B": "bird", "C": "book"}
TRUTH = {"again": "A", "brother": "A", "bird": "B", "milk": "B", "book": "C", "learn": "C", "eat": None, "hungry": None}


def hits_of(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / "hits.jsonl").read_text("utf-8").splitlines()]


@pytest.fixture(scope="module")
def demo_box(tmp_path_factory: pytest.TempPathFactory, portrait: Path) -> Appliance:
    box = Appliance(tmp_path_factory.mktemp("box"))
    box.enrol(Person("p1", "Demo <b>person</b>", "demo"), portrait)
    return box


def test_demo_clip_twice_gives_one_hit_and_the_same_bits(tmp_path: Path, demo_box: Appliance, demo_clip: Path) -> None:
    for name in ("one", "two"):
        done = demo_box.edge("process", demo_clip, "--out", tmp_path / name, "--json")
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["clips"][0]["hits"][0]["person_id"] == "p1"
    one, two = tmp_path / "one", tmp_path / "two"
    assert len(hits_of(one)) == 1
    for file in ("hits.jsonl", "tracks.jsonl"):
        assert (one / file).read_bytes() == (two / file).read_bytes()
    assert {p.name: p.read_bytes() for p in (one / "crops").iterdir()} == {
        p.name: p.read_bytes() for p in (two / "crops").iterdir()
    }


def test_report_stands_alone_and_escapes_names(tmp_path: Path, demo_box: Appliance, demo_clip: Path) -> None:
    done = demo_box.edge("process", demo_clip, "--out", tmp_path, "--degrade", "blur:1")
    assert done.returncode == 0, done.stderr
    html = (tmp_path / "report.html").read_text("utf-8")
    assert "Demo &lt;b&gt;person&lt;/b&gt;" in html
    assert "<b>person" not in html
    assert "http://" not in html
    assert "https://" not in html
    assert "PSNR" in html
    assert html.count("data:image/png;base64,") >= 2


def test_strangers_leave_no_picture(tmp_path: Path, demo_clip: Path) -> None:
    box = Appliance(tmp_path)
    out = tmp_path / "out"
    done = box.edge("process", demo_clip, "--out", out, "--json")
    assert done.returncode == 0, done.stderr
    assert hits_of(out) == []
    assert list((out / "crops").iterdir()) == []
    assert "data:image" not in (out / "report.html").read_text("utf-8")
    tracks = [json.loads(line) for line in (out / "tracks.jsonl").read_text("utf-8").splitlines()]
    assert tracks
    assert all(track["reason"] and track["person_id"] is None for track in tracks)


def test_watchlist_from_the_classic_layout(tmp_path: Path, demo_clip: Path, portrait: Path) -> None:
    folder = tmp_path / "Dataset" / "0"
    folder.mkdir(parents=True)
    (folder / "a.png").write_bytes(portrait.read_bytes())
    (tmp_path / "people.json").write_text(json.dumps({"0": {"Name": "Demo", "ID": "77", "Status": "wanted"}}), "utf-8")
    box = Appliance(tmp_path)
    done = box.edge("process", demo_clip, "--out", tmp_path / "out", "--watchlist", tmp_path / "Dataset")
    assert done.returncode == 0, done.stderr
    assert [hit["person"]["id"] for hit in hits_of(tmp_path / "out")] == ["77"]
    assert not (box.data_dir / "edge.db").exists()


@pytest.fixture(scope="module")
def signers_box(tmp_path_factory: pytest.TempPathFactory, shared_data: Path) -> Appliance:
    box = Appliance(tmp_path_factory.mktemp("signers"))
    for person, clip in ENROLLED.items():
        box.enrol(Person(person, person, "signer"), shared_data / "video" / "asl" / f"{clip}.mkv")
    return box


def found(box: Appliance, source: Path, out: Path, *more: str) -> dict[str, set[str]]:
    done = box.edge("process", source, "--out", out, *more, timeout=900)
    assert done.returncode == 0, done.stderr
    people: dict[str, set[str]] = {clip: set() for clip in TRUTH}
    for hit in hits_of(out):
        people[hit["camera"]].add(hit["person"]["id"])
    return people


@pytest.mark.timeout(1200)
def test_signers(tmp_path: Path, signers_box: Appliance, shared_data: Path) -> None:
    source = shared_data / "video" / "asl"
    people = found(signers_box, source, tmp_path / "one")
    assert people == {clip: {person} if person else set() for clip, person in TRUTH.items()}
    found(signers_box, source, tmp_path / "two")
    assert (tmp_path / "one" / "hits.jsonl").read_bytes() == (tmp_path / "two" / "hits.jsonl").read_bytes()


@pytest.mark.timeout(1200)
def test_signers_as_cctv(tmp_path: Path, signers_box: Appliance, shared_data: Path) -> None:
    people = found(signers_box, shared_data / "video" / "asl", tmp_path, "--degrade", "cctv:3")
    false = {clip: ids - {TRUTH[clip]} for clip, ids in people.items() if ids - {TRUTH[clip]}}
    missed = [clip for clip, person in TRUTH.items() if person and person not in people[clip]]
    assert not false
    assert len(missed) <= 1, missed


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("name", ["cctv1.mp4", "people-detection.gif", "head-pose-face-detection-male.gif"])
def test_real_footage_of_strangers(tmp_path: Path, signers_box: Appliance, shared_data: Path, name: str) -> None:
    done = signers_box.edge("process", shared_data / "video" / name, "--out", tmp_path, "--json", timeout=900)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["clips"][0]["hits"] == []
