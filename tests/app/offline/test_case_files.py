"""Recordings as people really have them name the person in them, as `edge process` runs them."""

from __future__ import annotations

import os
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.app.build import Models, load_active_list, load_models
from edge.app.offline.clips import ClipResult, process
from edge.app.offline.contents import find_clips
from edge.app.people.people import enrol
from edge.config import Config, load
from edge.pipeline import ActiveList
from edge.records import Person
from edge.store import Store
from tests.support.paths import find_case_files


@pytest.fixture(scope="module")
def cases() -> Path:
    folder = find_case_files()
    if folder is None:
        pytest.skip("needs the recordings of ../shared/cases/files")
    return folder


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory, shared_data: Path) -> Iterator[tuple[Models, ActiveList]]:
    """Person A of the signers, from another clip of theirs."""
    models = load_models(load())
    with Store.open(tmp_path_factory.mktemp("data")) as store:
        enrol(store, models, Person("A", "A", "signer"), [shared_data / "video" / "asl" / "brother.mkv"])
        yield models, load_active_list(store, models)


def run(path: Path, people: tuple[Models, ActiveList]) -> ClipResult:
    return next(process(Config(), *people, find_clips(path)))


@pytest.mark.parametrize(
    ("name", "size", "frames"),
    [
        ("i264.mp4", (768, 576), 64),
        ("dvr704x288.mp4", (704, 576), 77),
        ("imkh.mp4", (640, 480), 37),
        ("raw.h264", (640, 480), 77),
        ("raw.mjpeg", (640, 480), 17),
    ],
)
def test_the_person_is_named(
    cases: Path, people: tuple[Models, ActiveList], name: str, size: tuple[int, int], frames: int
) -> None:
    result = run(cases / name, people)
    assert (result.size, result.frames) == (size, frames)
    assert [draft.hit.person.person_id for draft in result.drafts.values()] == ["A"]
    assert all(draft.hit.similarity > 0.6 for draft in result.drafts.values())


def test_a_video_whose_name_is_no_utf_8_is_read(cases: Path, people: tuple[Models, ActiveList], tmp_path: Path) -> None:
    with tarfile.open(cases / "latin1_video_name.tgz", encoding="utf-8", errors="surrogateescape") as archive:
        archive.extractall(tmp_path, filter="data")
    found = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert any(b"\xe9" in os.fsencode(path) for path in found)
    for path in found:
        assert run(path, people).frames > 0
