"""JPEGs of which a part is lost: what is left is shown, and it is told."""

from __future__ import annotations

import io
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from edge.capture.files import ImagesSource
from edge.capture.pictures.damage import DAMAGED, is_damaged_jpeg, without_remarks
from edge.capture.pictures.images import decode_foreign, decode_noted
from edge.capture.pictures.stills import read_still

WALL = cv2.GaussianBlur(np.random.default_rng(0).integers(0, 255, (150, 200, 3), np.uint8), (0, 0), 2)
KINDS = [
    {"quality": 90},
    {"quality": 20, "subsampling": 1},
    {"progressive": True},
    {"restart_marker_rows": 1},
    {"keep_rgb": True},
    {"mode": "L"},
    {"mode": "CMYK"},
]


def jpeg(mode: str = "RGB", **how: object) -> bytes:
    file = io.BytesIO()
    exif = Image.Exif()
    exif[0x010E] = "a remark " * 50
    Image.fromarray(WALL).convert(mode).save(file, "JPEG", exif=exif, **how)
    return file.getvalue()


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_a_lost_part_is_told_and_a_whole_picture_is_not(kind: dict[str, object]) -> None:
    whole = jpeg(**kind)  # type: ignore[arg-type]
    middle = (whole.index(b"\xff\xda") + len(whole)) // 2
    assert decode_noted(whole, "x").notes == ()
    assert decode_noted(whole + b"what a phone adds" * 9, "x").notes == ()
    gap = 300 if "progressive" not in kind else 30  # else it takes a whole scan away, and nobody misses it
    for damaged in (whole[:middle] + b"\xff\xd9", whole[:middle] + whole[middle + gap :]):
        done = decode_noted(damaged, "x")
        assert done.notes == (DAMAGED,)
        assert done.image.shape == WALL.shape


def test_it_is_told_of_files_of_uploads_and_of_large_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = jpeg()
    damaged = whole[: len(whole) * 2 // 3] + b"\xff\xd9"
    path = tmp_path / "a.jpg"
    path.write_bytes(damaged)
    assert read_still(path).notes == (DAMAGED,)
    with ImagesSource(path, 25) as source:
        assert len(list(source.frames())) == 1
        assert source.problem == f"{path}: {DAMAGED}"
    assert decode_foreign(damaged, "x").notes == (DAMAGED,)
    monkeypatch.setattr("edge.capture.pictures.images.MAX_FOREIGN_PIXELS", 1000)  # so it is decoded apart
    assert decode_foreign(damaged, "x").notes == (DAMAGED,)
    assert decode_foreign(whole, "x").notes == ()


def test_a_damaged_remark_is_no_damage() -> None:
    whole = jpeg()
    assert b"Exif" not in without_remarks(whole)
    assert not is_damaged_jpeg(whole.replace(b"Exif\x00\x00", b"AVI1\x09\x09"))


def test_what_is_no_jpeg_to_it_is_not_called_damaged() -> None:
    whole = bytearray(jpeg())
    whole[whole.index(b"\xff\xc0") + 1] = 0xC9  # arithmetic coding
    assert not is_damaged_jpeg(bytes(whole))
    assert not is_damaged_jpeg(b"\xff\xd8")
