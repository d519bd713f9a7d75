"""The tools that measure portraits, the AT&T faces, adopted embedders and batches: what they show, how they count."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import cv2
import numpy as np
import pytest

from edge.app.build import load_models
from edge.app.selfcheck import demo_clip
from edge.arrays import BgrImage
from edge.capture.pictures.images import read_image
from edge.config import PACKAGED_MODELS, Config, RuntimeConfig
from edge.detect import Detector
from edge.evaluate.identify import split_people
from edge.recognise import Embedder
from edge.records import Detections
from edge.sessions import Pack
from tests.support.models.tiny_models import embedder_bytes
from tools.accuracy import adopted, att_faces, close_ups
from tools.cost import batches


class Drawn:
    """Finds a box around each of the given middles, as shares of the picture."""

    def __init__(self, *middles: tuple[float, float]) -> None:
        self.middles = middles

    def detect(self, image: BgrImage) -> Detections:
        size = np.array(image.shape[1::-1], np.float32)
        middles = np.array(self.middles, np.float32).reshape(-1, 2) * size
        boxes = np.hstack([middles - 4, middles + 4]).astype(np.float32)
        number = len(boxes)
        return Detections(boxes, np.ones(number, np.float32), np.zeros((number, 5, 2), np.float32))


@pytest.mark.parametrize(
    ("middles", "number"), [([], 0), ([(0.5, 0.45)], 1), ([(0.5, 0.5), (0.9, 0.2)], 1), ([(0.5, 0.4), (0.5, 0.6)], 2)]
)
def test_boxes_of_the_portrait_count_and_those_of_people_behind_do_not(
    middles: list[tuple[float, float]], number: int
) -> None:
    picture = np.zeros((100, 200, 3), np.uint8)
    detector = cast(Detector, Drawn(*middles))
    assert close_ups.counts(detector, [picture], in_the_middle=True) == {number: 1}
    assert close_ups.counts(detector, [picture], in_the_middle=False) == {len(middles): 1}


@pytest.mark.parametrize(("times", "side"), [(1, 250), (2, 500), (3, 500)])
def test_a_portrait_is_enlarged_about_its_middle(times: int, side: int) -> None:
    picture = np.zeros((250, 250, 3), np.uint8)
    picture[115:135, 115:135] = 200
    made = close_ups.enlarged(picture, times)
    assert made.shape == (side, side, 3)
    rows = np.flatnonzero(made[:, side // 2, 0] > 100)
    assert abs(len(rows) - 20 * times) <= 2
    assert abs(rows.mean() - (side - 1) / 2) <= 1


def test_the_att_faces_are_laid_out_as_people_with_numbered_pictures(tmp_path: Path) -> None:
    shown = np.random.default_rng(0).integers(0, 256, (112, 92), np.uint8)
    for person in ("s01", "s02"):
        (tmp_path / "orl" / person).mkdir(parents=True)
        for number in (1, 2, 10):
            cv2.imwrite(str(tmp_path / "orl" / person / f"{number}.png"), shown)
    laid = tmp_path / "laid"
    laid.mkdir()
    people = att_faces.lay_out(tmp_path / "orl", laid)
    parts = split_people(laid, people)
    assert [(one.person, one.number) for one in parts.enrolled] == [("s01", 1), ("s01", 2)]
    assert [(one.person, one.number) for one in parts.genuine] == [("s01", 10)]
    assert len(parts.strangers) == 3
    kept = read_image(laid / "s01" / "s01_0010.jpg")
    np.testing.assert_array_equal(kept[..., 0], shown, "not coded a second time")


def test_a_row_tells_both_chains() -> None:
    def answer(rate: float, missed: int) -> dict[str, Any]:
        return {"degrade": "clean", "fnir": {"0.01": rate, "0.1": rate / 2}, "num_without_face": missed}

    assert att_faces.row(answer(0.5, 0), answer(0.25, 7)) == "| clean | 0.500, 0.250 | 0.250, 0.125 | 0 / 7 |"


def test_each_size_of_a_batch_is_timed() -> None:
    pack = Pack.open(PACKAGED_MODELS)
    embedder = Embedder(pack.load(pack.find("embed"), RuntimeConfig(threads=1)))
    found = batches.ms_a_face(embedder, (1, 2), rounds=1)
    assert set(found) == {1, 2}
    assert all(ms > 0 for ms in found.values())


def test_the_rows_of_an_adopted_embedder_are_ours_theirs_and_both(tmp_path: Path) -> None:
    """With a tiny file in the public one's place: three rows, and both together as `adopt` combines them."""
    (tmp_path / "mobilefacenet_tiny.onnx").write_bytes(embedder_bytes(seed=3))
    pack = Pack.open(PACKAGED_MODELS)
    own = Embedder(pack.load(pack.find("embed"), RuntimeConfig(threads=1)))
    made = adopted.embedders(own, tmp_path / "mobilefacenet_tiny.onnx", 0.25)
    assert list(made) == ["ours, as shipped", "public alone", "both, `--with-own 0.25`"]
    ours, theirs, both = made.values()
    crops = np.random.default_rng(0).integers(0, 256, (2, 112, 112, 3), np.uint8)
    first, second, joint = (one.embed(crops) for one in (ours, theirs, both))
    np.testing.assert_allclose(
        joint[0] @ joint[1], 0.25 * first[0] @ first[1] + 0.75 * second[0] @ second[1], atol=1e-5
    )


def test_each_row_is_measured_at_each_fault(tmp_path: Path) -> None:
    """The stranger is the listed person far out of focus, who is less alike than the same pictures are."""
    face = demo_clip.portrait()
    shown = {"a": face, "b": cv2.GaussianBlur(face, (0, 0), 9)}
    for person, picture in shown.items():
        (tmp_path / person).mkdir()
        for number in (1, 2, 3) if person == "a" else (1,):
            cv2.imwrite(str(tmp_path / person / f"{person}_{number:04d}.jpg"), picture)
    stages = load_models(Config(runtime=RuntimeConfig(threads=1))).stages
    rows = {"ours": stages.embedder, "the same": stages.embedder}
    found = adopted.rates(rows, stages.detector, tmp_path, list(shown), ["clean", "jpeg:1"])
    assert found == {"ours": [0.0, 0.0], "the same": [0.0, 0.0]}
