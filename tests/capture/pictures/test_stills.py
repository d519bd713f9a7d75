"""Stills with alpha, however they lie in their file."""

from __future__ import annotations

import importlib.util
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from edge.capture.pictures.images import decode_image
from edge.capture.pictures.stills import read_still
from edge.errors import ImageError

HEIF = pytest.mark.skipif(importlib.util.find_spec("pillow_heif") is None, reason="needs pillow-heif, the extra heif")


def patches() -> Image.Image:
    """Four patches, each as opaque as it is red."""
    red = np.full((32, 64), 80, np.uint8)
    red[:16, :32], red[:16, 32:], red[16:, :32] = 240, 190, 130
    return Image.fromarray(np.dstack([red, np.full_like(red, 60), red // 2, red]))


def save(path: Path, orientation: int) -> None:
    picture, exif = patches(), Image.Exif()
    exif[0x0112] = orientation
    if path.suffix == ".heic":
        import pillow_heif

        pillow_heif.register_heif_opener()
        picture.save(path, quality=-1)
        return
    lossless = {".webp": {"lossless": True, "exact": True}, ".avif": {"quality": 100}}
    picture.save(path, exif=exif, **lossless.get(path.suffix, {}))


@pytest.mark.parametrize(
    ("suffix", "orientation"),
    [
        *[(suffix, number) for suffix in (".png", ".webp", ".avif", ".tiff") for number in range(1, 9)],
        pytest.param(".heic", 1, marks=HEIF),
    ],
)
def test_alpha_is_turned_as_the_picture_is(tmp_path: Path, suffix: str, orientation: int) -> None:
    path = tmp_path / f"turned{suffix}"
    save(path, orientation)
    still = read_still(path)
    assert still.image.shape[:2] == ((32, 64) if orientation < 5 else (64, 32))
    assert still.alpha is not None
    assert still.alpha.shape == still.image.shape[:2]
    assert np.abs(still.image[:, :, 2].astype(int) - still.alpha).mean() <= 3
    # (row, column) of the strongest patch, as EXIF 2.32 names the corner: 1 top left, 2 top right, 3, 4 bottom, ...
    bottom, right = orientation in (3, 4, 7, 8), orientation in (2, 3, 6, 7)
    height, width = still.alpha.shape
    assert still.alpha[height - 4 if bottom else 3, width - 4 if right else 3] >= 236


def tiff_with_alpha(pixels: NDArray[Any], extra: int, *, planes: bool = False) -> bytes:
    """An uncompressed TIFF of (H, W, C) uint8 or uint16, whose last channel is alpha of that kind (1, 2 or 0)."""
    height, width, channels = pixels.shape
    bits, rows = 8 * pixels.itemsize, pixels.transpose(2, 0, 1) if planes else pixels
    data, at = np.ascontiguousarray(rows).astype(pixels.dtype.newbyteorder("<")).tobytes(), 8 + 24
    plane = len(data) // channels
    behind = struct.pack("<4H4I", *[bits] * 4, *[at + n * plane for n in range(4)])
    entries = [
        (256, 4, 1, width), (257, 4, 1, height), (258, 3, channels, 8 if channels > 2 else bits | bits << 16),
        (259, 3, 1, 1), (262, 3, 1, 2 if channels > 2 else 1),
        (273, 4, channels if planes else 1, 16 if planes else at), (277, 3, 1, channels), (278, 4, 1, height),
        (279, 4, channels if planes else 1, at + len(data) if planes else len(data)), (284, 3, 1, 2 if planes else 1),
        (338, 3, 1, extra),
    ]  # fmt: skip
    directory = struct.pack("<H", len(entries)) + b"".join(struct.pack("<HHII", *one) for one in entries) + bytes(4)
    sizes = struct.pack("<4I", *[plane] * 4)
    return b"II*\x00" + struct.pack("<I", at + len(data) + len(sizes)) + behind + data + sizes + directory


RGBA = np.asarray(patches())


@pytest.mark.parametrize(("white", "planes"), [(255, False), (255, True), (65_535, False)])
@pytest.mark.parametrize("extra", [0, 1, 2])
def test_colors_of_a_tiff_are_not_darkened_by_its_alpha(extra: int, white: int, *, planes: bool) -> None:
    alpha = RGBA[:, :, 3:].astype(float) / 255
    colors = np.dstack([RGBA[:, :, :3] * (alpha if extra == 1 else 1), RGBA[:, :, 3:]]) * (white / 255)
    data = tiff_with_alpha(colors.round().astype(np.uint8 if white == 255 else np.uint16), extra, planes=planes)
    image = decode_image(data, "x")
    assert int(np.abs(image[:, :, ::-1].astype(int) - RGBA[:, :, :3]).max()) <= 2


def test_colors_brighter_than_their_alpha_were_not_multiplied() -> None:
    odd = np.dstack([RGBA[:, :, :3], RGBA[:, :, 3:] // 4])
    assert np.array_equal(decode_image(tiff_with_alpha(odd, 1), "x")[:, :, ::-1], RGBA[:, :, :3])


def test_gray_with_alpha_keeps_it_or_says_that_it_is_left_out(tmp_path: Path) -> None:
    gray, alpha = RGBA[:, :, 0], RGBA[:, :, 3]
    Image.fromarray(gray).save(tmp_path / "key.png", transparency=190)
    Image.merge("LA", [Image.fromarray(gray), Image.fromarray(alpha)]).save(tmp_path / "both.png")
    (tmp_path / "both.tiff").write_bytes(tiff_with_alpha(np.dstack([gray, alpha]), 2))
    for name, wanted in (("key.png", np.where(gray == 190, 0, 255)), ("both.png", alpha)):
        still = read_still(tmp_path / name)
        assert still.alpha is not None
        assert np.array_equal(still.alpha, wanted)
        assert np.array_equal(still.image[:, :, 1], gray)
    (tmp_path / "deep.tiff").write_bytes(tiff_with_alpha(RGBA.astype(np.uint16) * 257, 2, planes=True))
    for name, wanted in (("both.tiff", gray), ("deep.tiff", RGBA[:, :, 1])):
        still = read_still(tmp_path / name)
        assert still.alpha is None
        assert np.array_equal(still.image[:, :, 1], wanted)
        assert "its alpha can't be read" in still.notes[-1]


def test_a_gray_tiff_of_few_bits_with_alpha_is_not_nearly_black() -> None:
    few = (np.dstack([RGBA[:, :, 0], RGBA[:, :, 3]]).astype(np.uint16) << 4) + 3
    with pytest.raises(ImageError, match="a gray TIFF of few bits in 16 with alpha"):
        decode_image(tiff_with_alpha(few, 2), "x")
