"""`edge process` of single pictures and of folders: pictures are judged one by one, frames of a recording together."""

from __future__ import annotations

import json
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.app.build import Models, load_active_list
from edge.app.offline.clips import process
from edge.app.offline.contents import are_pictures, find_clips
from edge.app.offline.process import process_files
from edge.app.people.people import enrol
from edge.app.selfcheck import demo_clip
from edge.capture.frames import SourceFrame
from edge.config import Config
from edge.pipeline import ActiveList
from edge.records import Person
from edge.store import Store
from tests.support.media import encode, flat, numbered, write_clip


@pytest.fixture(scope="module")
def active(tmp_path_factory: pytest.TempPathFactory, models: Models, portrait: Path) -> ActiveList:
    with Store.open(tmp_path_factory.mktemp("data")) as store:
        enrol(store, models, Person("p1", "P", "demo"), [portrait])
        return load_active_list(store, models)


def test_the_enrolled_portrait_is_recognised(tmp_path: Path, portrait: Path) -> None:
    (tmp_path / "people" / "Ann").mkdir(parents=True)
    (tmp_path / "people" / "Ann" / "a.png").write_bytes(portrait.read_bytes())
    done = process_files(Config(), portrait, tmp_path / "out", watchlist=tmp_path / "people", degradation=None)
    (clip,) = done["clips"]
    assert clip["one_picture"]
    assert [hit["name"] for hit in clip["hits"]] == ["Ann"]
    (hit,) = (json.loads(line) for line in (tmp_path / "out" / "hits.jsonl").read_text().splitlines())
    assert hit["decision"]["timing"] == "one_picture"
    assert hit["similarity"] > 0.95
    assert "one picture, judged by the limits of a single picture" in (tmp_path / "out" / "report.html").read_text()
    first = (tmp_path / "out" / "hits.jsonl").read_bytes()
    process_files(Config(), portrait, tmp_path / "out", watchlist=tmp_path / "people", degradation=None)
    assert (tmp_path / "out" / "hits.jsonl").read_bytes() == first


def test_a_second_run_into_one_folder_leaves_no_picture_of_the_first(tmp_path: Path, portrait: Path) -> None:
    (tmp_path / "people" / "Ann").mkdir(parents=True)
    (tmp_path / "people" / "Ann" / "a.png").write_bytes(portrait.read_bytes())
    empty = tmp_path / "empty.png"
    empty.write_bytes(encode(flat(90), ".png"))
    crops, own = tmp_path / "out" / "crops", tmp_path / "out" / "crops" / "notes.txt"
    process_files(Config(), portrait, tmp_path / "out", watchlist=tmp_path / "people", degradation=None)
    assert list(crops.iterdir())
    own.write_text("the user's")
    process_files(Config(), empty, tmp_path / "out", watchlist=tmp_path / "people", degradation=None)
    assert list(crops.iterdir()) == [own]


@pytest.mark.parametrize("suffix", [".jpg", ".webp", ".avif", ".jfif"])
def test_a_smaller_copy_is_recognised_in_every_kind(
    tmp_path: Path, models: Models, active: ActiveList, suffix: str
) -> None:
    image = demo_clip.portrait()
    small = cv2.resize(image, None, fx=0.7, fy=0.7, interpolation=cv2.INTER_AREA)
    path = tmp_path / f"snapshot{suffix}"
    path.write_bytes(encode(small, ".jpg" if suffix == ".jfif" else suffix))
    (result,) = process(Config(), models, active, find_clips(path))
    assert [draft.hit.person.person_id for draft in result.drafts.values()] == ["p1"]


def test_each_picture_of_an_album_is_judged_by_itself(tmp_path: Path, models: Models, active: ActiveList) -> None:
    face, wall = demo_clip.portrait(), flat(120, 300, 400)
    for name, image in (("beach", face), ("door", wall), ("garden", face), ("house", wall)):
        (tmp_path / f"{name}.png").write_bytes(encode(image, ".png"))
    (result,) = process(Config(), models, active, find_clips(tmp_path))
    assert result.is_stills
    assert [draft.hit.frame_id for draft in result.drafts.values()] == [0, 2]
    assert [end.reason for end in result.ended].count(None) == 2
    assert {end.track.num_seen for end in result.ended} == {1}


def test_frames_of_a_recording_are_followed(tmp_path: Path, models: Models, active: ActiveList) -> None:
    for number, image in enumerate(islice(demo_clip.frames(), 6)):
        (tmp_path / f"{number}.png").write_bytes(encode(image, ".png"))
    (result,) = process(Config(), models, active, find_clips(tmp_path))
    assert not result.is_stills


def test_what_counts_as_pictures(tmp_path: Path) -> None:
    frames = [SourceFrame(image, 0.0) for image in numbered(3)]
    clip = write_clip(tmp_path / "clip.avi", numbered(5), codec="MJPG")
    assert not are_pictures(clip, frames)
    assert are_pictures(clip, frames[:2]), "nobody can be followed over two frames"
    folder = tmp_path / "folder"
    folder.mkdir()
    for number in range(3):
        (folder / f"IMG_{number}.JPG").write_bytes(b"")
    assert not are_pictures(folder, frames)
    sizes = [SourceFrame(flat(20, 40 + number, 60), 0.0) for number in range(3)]
    assert are_pictures(folder, sizes)
    rng = np.random.default_rng(0)
    unlike = [
        SourceFrame(np.kron(rng.integers(0, 255, (6, 8, 3)), np.ones((8, 8, 1))).astype(np.uint8), 0.0) for _ in "abc"
    ]
    assert are_pictures(folder, unlike)
    (folder / "Ann.jpg").write_bytes(b"")
    assert are_pictures(folder, frames)
