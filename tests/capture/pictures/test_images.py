"""Still images: what is read, and what is refused with a sentence."""

from __future__ import annotations

import io
import re
import struct
import subprocess
import sys
import tracemalloc
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from edge.capture.pictures.headers import decoding_work, sniff_size
from edge.capture.pictures.images import decode_foreign, decode_image, read_image
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


def said_to_be(width: int, height: int) -> bytes:
    """A small JPEG whose header says that it is of this size."""
    size = struct.pack(">HH", height, width)
    return re.sub(rb"(\xff\xc0..\x08)....", lambda m: m[1] + size, encode(GRADIENT), count=1, flags=re.DOTALL)


def many_scans(number: int) -> bytes:
    """A progressive JPEG of 3000 x 2000 with so many scans, all but the first ones empty."""
    file = io.BytesIO()
    Image.new("RGB", (3000, 2000)).save(file, "JPEG", progressive=True)
    return file.getvalue()[:-2] + b"\xff\xda\x00\x08\x01\x01\x00\x01\x3f\x01\x00" * number + b"\xff\xd9"


def tiff(*sizes: tuple[int, int, int], more: bytes = b"") -> bytes:
    """The header of a TIFF with these entries: tag, kind, value."""
    entries = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in sizes)
    return b"II*\0\x08\0\0\0" + struct.pack("<H", len(sizes)) + entries + bytes(4) + more


@pytest.mark.parametrize(
    "data",
    [
        said_to_be(65_500, 900),
        said_to_be(8000, 7990),
        many_scans(2000),
        many_scans(2000) + bytes(10_000_000),  # bytes that mean nothing buy no work
        png_of("L", 8000, 8000),
        tiff((256, 4, 7900), (256, 4, 10), (257, 4, 7900), (257, 4, 10)),
        tiff((256, 4, 10), (257, 3, 10), (322, 4, 1008), (323, 4, 131_072)),
    ],
    ids=["wide", "large", "scans", "scans and padding", "png", "tiff of two sizes", "tiff of vast tiles"],
)
def test_work_out_of_proportion_is_refused_before_it_is_done(data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[object] = []
    monkeypatch.setattr(cv2, "imdecode", lambda *given: calls.append(given))
    with pytest.raises(ImageError, match="would take the work of"):
        decode_foreign(data, "sent.jpg")
    assert calls == []


def test_a_tiff_whose_size_stands_elsewhere_is_refused() -> None:
    elsewhere = tiff((256, 16, 38), (257, 16, 46), more=struct.pack("<QQ", 7900, 7900))
    with pytest.raises(ImageError, match="is not an image that can be read"):
        decode_foreign(elsewhere, "sent.tiff")


def test_photos_are_in_proportion() -> None:
    noise = np.random.default_rng(0).integers(90, 110, (1500, 2000, 3), np.uint8)
    for suffix in (".jpg", ".png", ".webp"):
        assert decode_foreign(encode(noise, suffix), "photo").image.shape == noise.shape
    file = io.BytesIO()
    Image.fromarray(noise).save(file, "JPEG", progressive=True, quality=60)
    assert decoding_work(file.getvalue()) == 3_000_000
    assert decode_foreign(file.getvalue(), "photo").image.shape == noise.shape


def test_packed_texts_of_a_png_never_reach_the_decoder(monkeypatch: pytest.MonkeyPatch) -> None:
    png, text = encode(GRADIENT, ".png"), b"iTXtk\0\1\0\0\0" + zlib.compress(bytes(100_000))
    chunk = struct.pack(">I", len(text) - 4) + text + struct.pack(">I", zlib.crc32(text))
    sizes: list[int] = []
    decode = cv2.imdecode

    def counted(data: np.ndarray, flags: int) -> object:
        sizes.append(len(data))
        return decode(data, flags)

    monkeypatch.setattr(cv2, "imdecode", counted)
    assert np.array_equal(decode_image(png[:33] + chunk * 900 + png[33:], "x"), GRADIENT)
    assert sizes == [len(png)]


def test_a_jpeg_of_endless_segments_is_given_up() -> None:
    jpeg = encode(GRADIENT)
    assert sniff_size(jpeg[:2] + b"\xff\xfe\x00\x02" * 5000 + jpeg[2:]) is None
    assert sniff_size(jpeg[:2] + b"\xff\xfe\x00\x02" * 50 + jpeg[2:]) == (64, 48)


@pytest.mark.parametrize(
    ("at", "value", "told"), [(4, 12, "a JPEG of 12 bits per channel"), (1, 0xC3, "a lossless JPEG")]
)
def test_a_jpeg_that_no_usual_program_reads_is_called_so(at: int, value: int, told: str) -> None:
    data = bytearray(encode(GRADIENT))
    data[data.index(b"\xff\xc0") + at] = value
    with pytest.raises(ImageError, match=rf"x: is {told}, which can't be read here; save it as JPEG or PNG"):
        decode_image(bytes(data), "x")
