"""A scene with a stranger beside the person looked for, and a search for the stranger in every kept picture."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from edge.app.build import load_models
from edge.app.selfcheck import demo_clip
from edge.arrays import BgrImage, Embedding
from edge.capture.pictures.images import read_image
from edge.config import Config
from edge.pixels.faces.geometry import align
from edge.pixels.resize import resize
from tools.data import DATA

SIDE_PX = 240
ALIKE = 0.5
"""A kept face at least this similar to the stranger is the stranger."""
MIN_SCORE = 0.3


def stranger() -> Path | None:
    """A picture of somebody who is on no list; None where the public data is not there."""
    people = DATA / "faces" / "lfw" / "people_dev.txt"
    if not people.is_file():
        return None
    names = [line.split()[0] for line in people.read_text("utf-8").splitlines() if line.strip()]
    found = (sorted((DATA / "faces" / "lfw" / "images" / name).glob("*.jpg")) for name in names)
    return next((pictures[0] for pictures in found if pictures), None)


def scene(picture: Path | None) -> Iterator[BgrImage]:
    """The demo's frames with the stranger to the right of them, where there is one."""
    beside = None if picture is None else resize(read_image(picture), SIDE_PX, SIDE_PX)
    for frame in demo_clip.frames(only=range(100, 200)):
        wide = np.full((frame.shape[0], frame.shape[1] + SIDE_PX, 3), 96, np.uint8)
        wide[:, : frame.shape[1]] = frame
        if beside is not None:
            wide[60 : 60 + SIDE_PX, frame.shape[1] :] = beside
        yield wide


def find(data_dir: Path, picture: Path) -> tuple[int, int]:
    """Pictures kept, and faces of the stranger in them or raw embeddings of theirs in any file."""
    stages = load_models(Config()).stages

    def faces(image: BgrImage) -> list[Embedding]:
        found = stages.detector.detect(image)
        sure = [number for number, score in enumerate(found.scores) if score >= MIN_SCORE]
        return [stages.embedder.embed(align(image, found.landmarks[number])[np.newaxis])[0] for number in sure]

    (wanted, *_) = faces(resize(read_image(picture), SIDE_PX, SIDE_PX))
    count = alike = 0
    for path in sorted((data_dir / "blobs").glob("*/*")):
        if path.read_bytes()[:3] not in (b"\xff\xd8\xff", b"\x89PN"):
            continue  # the made-up pictures of the storing program
        count += 1
        alike += sum(float(face @ wanted) >= ALIKE for face in faces(read_image(path)))
    raw = wanted.tobytes()[:16]
    alike += sum(raw in path.read_bytes() for path in data_dir.rglob("*") if path.is_file())
    return count, alike
