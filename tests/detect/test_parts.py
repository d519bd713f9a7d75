"""Very long and very large still pictures are looked at in parts, too."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edge.app.build import Models, load_active_list
from edge.app.offline.clips import process
from edge.app.offline.contents import Clip
from edge.app.offline.lines import detect
from edge.app.people.pictures import check_pictures
from edge.arrays import BgrImage
from edge.capture.pictures.images import read_image
from edge.config import Config
from edge.detect import FaceDetector, for_stills
from edge.detect.looks import LARGE_PX, MOST_PARTS, PART_PX, parts_of_picture, widest_in
from edge.pixels.resize import resize
from edge.records import Person
from edge.store import Store
from tests.support.media import encode


@pytest.fixture(scope="module")
def panorama(portrait: Path) -> BgrImage:
    """A gray wall with one person before it, whose face is a hundredth as wide."""
    wall = np.full((600, 9000, 3), 120, np.uint8)
    wall[180:480, 6100:6400] = resize(read_image(portrait), 300, 300)
    return wall


def test_people_in_a_panorama_are_found(models: Models, panorama: BgrImage) -> None:
    whole = models.stages.detector
    assert len(whole.detect(panorama)) == 0
    found = for_stills(whole).detect(panorama)
    assert len(found) == 1
    assert 6100 < found.boxes[0, 0] < found.boxes[0, 2] < 6400
    tall = np.full((9000, 600, 3), 120, np.uint8)
    tall[6100:6400, 180:480] = panorama[180:480, 6100:6400]
    assert len(whole.detect(tall)) == 0
    assert len(for_stills(whole).detect(tall)) == 1


def test_so_they_are_by_each_command(models: Models, panorama: BgrImage, tmp_path: Path) -> None:
    path = tmp_path / "square.png"
    path.write_bytes(encode(panorama, ".png"))
    (line,) = detect(Config(data_dir=tmp_path / "box"), [path], lambda told: None)
    assert len(line["detections"]) == 1
    with Store.open(tmp_path / "box") as store:
        done = check_pictures(store, models, Person("p1", "Ada", "banned"), [path])
        assert [one.accepted for one in done.outcomes] == [True]
        (result,) = process(Config(), models, load_active_list(store, models), [Clip("square", path)])
    assert len(result.ended) == 1


def test_usual_photos_are_looked_at_once(models: Models) -> None:
    detector = for_stills(models.stages.detector)
    assert isinstance(detector, FaceDetector)
    for width, height in ((4000, 3000), (3000, 4000), (1920, 1080), (1200, 300), (LARGE_PX, 4000), (1, 1), (900, 1)):
        assert parts_of_picture(width, height, 640) == []


@pytest.mark.parametrize("size", [(30_000, 2000), (2000, 30_000), (8000, 8000), (1400, 400)])
def test_every_face_lies_whole_in_a_part_that_shows_it_large_enough(size: tuple[int, int]) -> None:
    parts = parts_of_picture(*size, 640)
    assert 0 < len(parts) < 40
    rng = np.random.default_rng(1)
    for _ in range(200):
        side = float(rng.uniform(0.02 * min(size[1], PART_PX), min(size) / 3))
        left, top = (float(rng.uniform(0, one - side)) for one in size)
        for x1, y1, x2, y2 in parts:
            is_inside = x1 <= left and y1 <= top and left + side <= x2 and top + side <= y2
            if is_inside and side <= widest_in((x1, y1, x2, y2), *size):
                break
        else:
            assert side * 640 / max(size) >= 11.5, "the look at the whole finds it"


def test_a_line_of_pixels_does_not_cost_thousands_of_looks() -> None:
    assert 0 < len(parts_of_picture(4_000_000, 16, 640)) <= 2 * MOST_PARTS
