"""Identification on a tiny world whose answers are known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from edge.errors import ImageError
from edge.evaluate.identify import evaluate_identification, split_people
from edge.records import Detections

DIM = 32


class WholePicture:
    """Finds one face in every picture that is not black."""

    def detect(self, image: np.ndarray, min_score: float | None = None) -> Detections:
        if not image.any():
            return Detections.empty()
        points = np.array([[38, 52], [73, 52], [56, 72], [41, 92], [70, 92]], np.float32)
        box = np.array([[10, 10, 100, 110]], np.float32)
        return Detections(box, np.array([0.9], np.float32), points[np.newaxis])


class ByColor:
    """The embedding is chosen by the picture's blue channel, and moved a little by its green one."""

    sha256 = "m"
    dim = DIM

    def embed(self, crops: np.ndarray) -> np.ndarray:
        out = []
        for crop in crops:
            blue, green, _ = crop[50, 50]
            vector = np.random.default_rng(int(blue)).normal(size=DIM)
            vector += 0.3 * np.random.default_rng(1000 + int(green)).normal(size=DIM)
            out.append(vector / np.linalg.norm(vector))
        return np.array(out, np.float32)


@pytest.fixture
def world(tmp_path: Path) -> tuple[Path, list[str]]:
    names = [f"P{i:02d}" for i in range(40)]
    for i, name in enumerate(names):
        (tmp_path / name).mkdir()
        for k in range(4 if i < 10 else 1):
            (tmp_path / name / f"{name}_{k + 1:04d}.jpg").write_bytes(bytes([i + 1, 10 * i + k & 255, 9]))
    return tmp_path, names


def read(path: Path) -> np.ndarray:
    return np.tile(np.frombuffer(path.read_bytes(), np.uint8), (112, 112, 1)).copy()


def test_people_are_split_by_their_pictures(world: tuple[Path, list[str]]) -> None:
    parts = split_people(*world)
    assert (len(parts.enrolled), len(parts.genuine), len(parts.strangers)) == (20, 20, 30)
    assert not {p.person for p in parts.genuine} & {p.person for p in parts.strangers}
    assert not set(parts.enrolled) & set(parts.genuine)
    more = split_people(*world, num_enrolled=1, first_probe=3)
    assert (len(more.enrolled), len(more.genuine)) == (10, 10)
    assert len(split_people(world[0], world[1][:10]).strangers) == 20, (
        "every second person, where all could be enrolled"
    )
    with pytest.raises(ImageError, match="identification needs"):
        split_people(world[0], world[1][10:])


def test_a_world_without_confusion_and_one_face_that_is_not_found(world: tuple[Path, list[str]]) -> None:
    images, names = world
    (images / names[0] / f"{names[0]}_0004.jpg").write_bytes(bytes(3))
    parts = split_people(images, names)
    drawn = np.random.default_rng(0).normal(size=(2000, DIM)).astype(np.float32)
    drawn /= np.linalg.norm(drawn, axis=1, keepdims=True)
    detector, embedder = WholePicture(), ByColor()
    (row,) = evaluate_identification(
        parts,
        images,
        detector,  # type: ignore[arg-type]
        embedder,  # type: ignore[arg-type]
        read,
        drawn=drawn,
    )
    assert row.num_without_face == 1
    assert row.fnir["0.01"] == pytest.approx(1 / 20), "the face not found is a miss, and the only one"
    assert row.rank_one == pytest.approx(19 / 20)
    assert [p["promised"] for p in row.promised] == [0.1, 0.03, 0.01]
    assert row.to_dict()["num_strangers"] == 30
