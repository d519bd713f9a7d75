"""Enrolment from videos, with the real models."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.app.build import load_models
from edge.app.people.pictures import PARTLY_READ, check_pictures
from edge.config import Config
from edge.records import Person
from edge.store import Store


@pytest.mark.parametrize("is_cut", [False, True])
def test_what_of_a_video_could_not_be_looked_at_is_told(shared_data: Path, tmp_path: Path, is_cut: bool) -> None:
    data = (shared_data / "video" / "asl" / "again.mkv").read_bytes()
    video = tmp_path / "again.mkv"
    video.write_bytes(data[: len(data) // 2] if is_cut else data)
    config = Config(data_dir=tmp_path / "data")
    with Store.open(config.data_dir) as store:
        done = check_pictures(store, load_models(config), Person("p1", "Ada", "banned"), [video])
    assert done.references
    told = [one for one in done.outcomes if one.reason == PARTLY_READ]
    assert len(told) == int(is_cut)
    for one in told:
        assert one.source == str(video)
        assert "broke off after" in one.message
