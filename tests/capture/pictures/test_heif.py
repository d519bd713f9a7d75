"""HEIC and AVIF are read, or refused by what they are; names that are no UTF-8 are read as any others."""

from __future__ import annotations

import os
import sys
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from edge.arrays import MAX_PIXELS
from edge.capture.pictures import images as images_module
from edge.capture.pictures.headers import sniff_size
from edge.capture.pictures.heif import kind_of, size_of
from edge.capture.pictures.images import decode_foreign, decode_here, decode_image, read_image
from edge.capture.sources import open_path
from edge.errors import ImageError
from tests.support.media import encode, flat, write_clip
from tests.support.paths import find_case


@pytest.fixture
def heic() -> bytes:
    """A picture with a red left half; written by the library that reads it."""
    heif = pytest.importorskip("pillow_heif", reason="needs the extra `heif`")
    image = flat(0, 64, 64)
    image[:, :32] = (0, 0, 250)
    rgb = np.ascontiguousarray(image[:, :, ::-1])
    file = BytesIO()
    heif.encode("RGB", (64, 64), rgb.tobytes(), file, quality=95)
    return file.getvalue()


@pytest.fixture
def avif() -> bytes:
    image = flat(0, 64, 64)
    image[:, :32] = (0, 0, 250)
    return encode(image, ".avif")


@pytest.mark.parametrize(("fixture", "kind"), [("heic", "HEIC"), ("avif", "AVIF")])
def test_both_are_read_from_bytes_and_files(
    fixture: str, kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    data = request.getfixturevalue(fixture)
    assert kind_of(data) == kind
    assert sniff_size(data) == (64, 64)
    for image in (decode_image(data, "x"), decode_foreign(data, "x").image):
        assert image.shape == (64, 64, 3)
        assert image[20, 10, 2] > 200
        assert image[20, 60].max() < 40
    path = tmp_path / "IMG.HEIF"
    path.write_bytes(data)
    with open_path(path) as source:
        (shot,) = source.frames()
    assert np.array_equal(shot.image, read_image(path))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_an_avif_is_turned_upright(orientation: int) -> None:
    """Its library writes the orientation into boxes of the file, as phones and converters do."""
    image = flat(0, 48, 64)
    image[:24, :32] = (0, 0, 250)
    about = Image.Exif()
    about[0x0112] = orientation
    file, plain = BytesIO(), BytesIO()
    Image.fromarray(image[:, :, ::-1]).save(plain, "TIFF", exif=about)
    Image.fromarray(image[:, :, ::-1]).save(file, "AVIF", exif=about, quality=95)
    shown = decode_image(file.getvalue(), "a.avif").astype(int)
    expected = decode_image(plain.getvalue(), "a.tiff").astype(int)
    assert shown.shape == expected.shape
    assert np.abs(shown - expected).mean() < 12


def test_a_video_is_neither(tmp_path: Path) -> None:
    head = write_clip(tmp_path / "a.mp4", [flat(9)] * 3).read_bytes()[:512]
    assert kind_of(head) is None
    with pytest.raises(ValueError, match="neither"):
        size_of(head)


def test_without_the_extra_a_heic_is_named(heic: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(ImageError, match=r"a\.heic: is a HEIC picture.*pip install pillow-heif"):
        decode_here(heic, "a.heic")


def test_where_opencv_has_no_avif_it_is_named(avif: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images_module.cv2, "imdecode", lambda data, flags: None)
    with pytest.raises(ImageError, match="damaged or cut off"):
        decode_here(avif, "a.avif")
    monkeypatch.setattr(images_module.cv2, "getBuildInformation", lambda: "  AVIF:      NO\n")
    with pytest.raises(ImageError, match=r"a\.avif: is an AVIF picture"):
        decode_here(avif, "a.avif")


@pytest.mark.parametrize("fixture", ["heic", "avif"])
def test_cut_and_giant_files_are_refused(fixture: str, request: pytest.FixtureRequest) -> None:
    data = request.getfixturevalue(fixture)
    for length in (16, 40, len(data) // 2, len(data) - 40):
        with pytest.raises(ImageError):
            decode_image(data[:length], "cut")
    side = int(MAX_PIXELS**0.5) + 1
    at = data.index(b"ispe") + 8
    giant = data[:at] + side.to_bytes(4) * 2 + data[at + 8 :]
    with pytest.raises(ImageError, match="pixels"):
        decode_image(giant, "giant")
    with pytest.raises(ImageError, match="work"):
        decode_foreign(giant, "giant")


def test_the_kept_heic_is_read() -> None:
    path = find_case("IMG_0001.HEIC")
    if path is None:
        pytest.skip("needs the kept case IMG_0001.HEIC beside the public test data")
    pytest.importorskip("pillow_heif", reason="needs the extra `heif`")
    image = read_image(path)
    assert image.shape == (250, 250, 3)
    assert 20 < image.mean() < 230


def test_a_name_that_is_no_utf_8_is_read_and_printed(tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/Jos\xe9.png"))
    path.write_bytes(encode(flat(50), ".png"))
    assert read_image(path).mean() == 50
    with open_path(tmp_path) as source:
        assert len(list(source.frames())) == 1
    path.write_bytes(b"no picture")
    with pytest.raises(ImageError) as caught:
        read_image(path)
    assert "Jos\ufffd.png: is not an image" in str(caught.value)


def test_images_left_out_of_a_folder_are_told_one_by_one(tmp_path: Path) -> None:
    (tmp_path / "1.png").write_bytes(encode(flat(50), ".png"))
    for name in ("2.jpg", "3.heic"):
        (tmp_path / name).write_bytes(b"no picture")
    for name in ("._1.png", "Thumbs.db", ".DS_Store"):
        (tmp_path / name).write_bytes(b"left behind")
    with open_path(tmp_path) as source:
        assert len(list(source.frames())) == 1
        assert source.problem is not None
    first, *rest = source.problem.splitlines()
    assert "2 of 3 images left out" in first
    assert [Path(line.split(":")[0]).name for line in rest] == ["2.jpg", "3.heic"]
    (tmp_path / "1.png").unlink()
    with open_path(tmp_path) as source, pytest.raises(ImageError) as caught:
        list(source.frames())
    assert [Path(line.split(":")[0]).name for line in str(caught.value).splitlines()[1:]] == ["2.jpg", "3.heic"]
