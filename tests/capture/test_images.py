"""Still images: what is read, and what is refused with a sentence."""

from __future__ import annotations

import io
import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edge.capture.images import decode_image, read_image, sniff_size
from edge.errors import ExitCode, ImageError
from tests.support.media import encode, flat, png_of

GRADIENT = np.dstack([np.tile(np.arange(64, dtype=np.uint8), (48, 1)) * k for k in (1, 2, 3)])


def pil_bytes(mode: str, kind: str, size: tuple[int, int] = (37, 21)) -> bytes:
    file = io.BytesIO()
    Image.new(mode, size).save(file, kind)
    return file.getvalue()


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tiff", ".ppm"])
def test_lossless_formats_come_back_equal(suffix: str) -> None:
    assert np.array_equal(decode_image(encode(GRADIENT, suffix), "x"), GRADIENT)


@pytest.mark.parametrize(
    ("mode", "kind"),
    [
        *[
            ("RGB", "JPEG"),
            ("L", "JPEG"),
            ("CMYK", "JPEG"),
            ("RGBA", "PNG"),
            ("LA", "PNG"),
            ("1", "PNG"),
            ("I;16", "PNG"),
        ],
        *[("P", "GIF"), ("RGB", "BMP"), ("RGB", "WEBP"), ("RGBA", "WEBP"), ("RGB", "TIFF"), ("L", "PPM")],
    ],
)
def test_every_mode_becomes_bgr_and_its_header_is_understood(mode: str, kind: str) -> None:
    data = pil_bytes(mode, kind)
    image = decode_image(data, "x")
    assert sniff_size(data) == (37, 21)
    assert image.shape == (21, 37, 3)
    assert image.dtype == np.uint8
    assert image.flags.c_contiguous


def test_lossless_webp_and_progressive_jpeg_headers() -> None:
    for kind, options in (("WEBP", {"lossless": True}), ("JPEG", {"progressive": True})):
        file = io.BytesIO()
        Image.new("RGB", (301, 7)).save(file, kind, **options)
        assert sniff_size(file.getvalue()) == (301, 7)


def test_sixteen_bits_become_eight() -> None:
    data = encode(np.full((4, 4), 0x8000, np.uint16), ".png")
    assert set(decode_image(data, "x").ravel().tolist()) == {0x80}


def test_exif_orientation_is_applied(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees
    Image.new("RGB", (40, 20)).save(tmp_path / "turned.jpg", exif=exif)
    assert read_image(tmp_path / "turned.jpg").shape == (40, 20, 3)


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"", "empty"),
        (b"not a picture\n" * 50, "not an image"),
        (encode(flat(90, 480, 640))[:-500], "cut off"),
        (encode(GRADIENT)[:300], "cut off"),
        (encode(GRADIENT)[:10], "not an image"),
        (encode(GRADIENT, ".png")[:-40], "cut off"),
        (b"\x89PNG\r\n\x1a\n" + bytes(40), "0 x 0"),
    ],
)
def test_bad_bytes_are_refused_by_name(data: bytes, word: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.jpg"
    path.write_bytes(data)
    with pytest.raises(ImageError, match=word) as caught:
        read_image(path)
    assert "bad.jpg" in str(caught.value)
    assert caught.value.exit_code == ExitCode.DATA


def test_a_giant_png_is_refused_before_it_is_decoded() -> None:
    data = png_of("L", 16_000, 16_000)
    tracemalloc.start()
    with pytest.raises(ImageError, match="16000 x 16000"):
        decode_image(data, "giant.png")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1_000_000


def test_opencv_holds_the_same_limit_by_itself() -> None:
    """In a process of its own, because OpenCV reads the limit once, when it is loaded."""
    script = "import edge.capture, cv2, numpy, sys; cv2.imdecode(numpy.frombuffer(sys.stdin.buffer.read(), 'u1'), 1)"
    done = subprocess.run([sys.executable, "-c", script], input=png_of("L", 16_000, 16_000), capture_output=True)
    assert b"CV_IO_MAX_IMAGE_PIXELS" in done.stderr


def test_a_missing_file_and_a_folder(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="No such file"):
        read_image(tmp_path / "none.jpg")
    with pytest.raises(ImageError, match="Is a directory"):
        read_image(tmp_path)
