"""Pictures that hold more than they say end in an error that names file, reason and limit; the process lives on."""

from __future__ import annotations

import json
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from edge.capture.pictures import apart
from edge.capture.pictures.apart import Limits
from edge.capture.pictures.images import (
    MAX_FOREIGN_PIXELS,
    decode_foreign,
    decode_image,
    read_image,
    require_proportion,
)
from edge.capture.pictures.stills import read_still
from edge.errors import ImageError
from tests.support.capture.bombs import (
    avif_of,
    bmp_of,
    gif_frames,
    heic_of,
    jpeg_scans,
    png_frames,
    tiff_of,
    tiff_pages,
    tiff_strip,
    tiff_tile,
    webp_frames,
)
from tests.support.media import encode, png_of

_DECODE = """
import pathlib, re, sys
from edge.capture.pictures.images import decode_image
from edge.errors import ImageError
for path in sorted(pathlib.Path(sys.argv[1]).iterdir()):
    try:
        decode_image(path.read_bytes(), path.name)
    except ImageError as error:
        print(error)
print(re.search(r"VmHWM:\\s+(\\d+)", pathlib.Path("/proc/self/status").read_text())[1])
"""


@pytest.fixture
def never_decoded(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing is decoded, here or apart."""
    calls: list[object] = []
    monkeypatch.setattr(apart, "_ask", lambda *given, **named: calls.append(given))
    monkeypatch.setattr("cv2.imdecode", lambda *given: calls.append(given))
    yield
    assert calls == []


@pytest.mark.parametrize(
    "data",
    [
        tiff_strip(8000, 7900, 7900),
        tiff_tile(100, 100, 8000, 7904),
        tiff_of([(256, 4, 7900), (257, 4, 7900), (258, 3, 8)], bytes(40), ">"),
        avif_of(4000),
        jpeg_scans(3000),
        png_of("RGB", 8000, 7900),
        bmp_of(7900, 8000),
        gif_frames(3000, 6000),
    ],
    ids=["strip", "tile", "big endian", "avif", "scans", "png", "bmp", "gif"],
)
@pytest.mark.usefixtures("never_decoded")
def test_few_bytes_for_very_many_pixels_are_refused_unseen(data: bytes) -> None:
    for check in (require_proportion, decode_foreign):
        with pytest.raises(ImageError, match=r"sent: \d+ bytes would take the work of \d+ pixels, more than the \d+"):
            check(data, "sent")


@pytest.mark.usefixtures("never_decoded")
def test_thousands_of_scans_are_refused_whoever_gives_them() -> None:
    with pytest.raises(ImageError, match=r"a\.jpg: its scans would take the work of \d+ pixels, more than 128000000"):
        decode_image(jpeg_scans(3000), "a.jpg")


def test_what_holds_more_than_it_says_ends_within_its_limits(tmp_path: Path) -> None:
    """Decoded in this process the first would take 600 MB, and come back as 64 x 64 px."""
    (tmp_path / "a.avif").write_bytes(avif_of(8000, said=64))
    (tmp_path / "b.tiff").write_bytes(tiff_strip(64, 64, 64, samples=60_000))
    done = subprocess.run([sys.executable, "-c", _DECODE, str(tmp_path)], capture_output=True, text=True, check=True)
    *told, peak = done.stdout.splitlines()
    assert [line.split(": ")[0] for line in told] == ["a.avif", "b.tiff"]
    assert all("takes more than 300 MB of memory to decode" in line for line in told)
    assert int(peak) < 200_000, "KiB, of the process that lives on"


def test_a_heic_that_holds_more_than_it_says_ends_too() -> None:
    pytest.importorskip("pillow_heif", reason="needs the extra `heif`")
    with pytest.raises(
        ImageError, match=r"a\.heic: takes more than 300 MB of memory to decode, or is damaged"
    ) as caught:
        decode_image(heic_of(1000, said=64), "a.heic")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("data", "side"),
    [(tiff_pages(400), 300), (webp_frames(200), 600), (png_frames(60), 600), (tiff_strip(100, 100, 0xFFFFFFFF), 100)],
    ids=["tiff", "webp", "png", "rows"],
)
def test_of_many_pages_and_frames_the_first_is_read(data: bytes, side: int) -> None:
    assert decode_image(data, "x").shape == (side, side, 3)


def test_a_large_picture_that_somebody_sent_comes_back_smaller(monkeypatch: pytest.MonkeyPatch) -> None:
    image = np.random.default_rng(0).integers(80, 120, (750, 1000, 3), np.uint8)
    data = encode(image, ".png")
    monkeypatch.setattr("edge.capture.pictures.images.MAX_FOREIGN_PIXELS", 480_000)
    small = decode_foreign(data, "photo.png").image
    assert small.shape == (600, 800, 3)
    assert abs(float(small.mean()) - float(image.mean())) < 1
    assert np.array_equal(decode_image(data, "photo.png"), image)
    assert MAX_FOREIGN_PIXELS == 12_000_000


def test_limits_grow_with_what_the_header_says() -> None:
    small, large = Limits.of((64, 64), 1000), Limits.of((8000, 8000), 1000)
    assert small.data_bytes < 310_000_000 < 1_000_000_000 < large.data_bytes < 1_300_000_000
    assert small.cpu_s == 20
    assert large.cpu_s == 148


@pytest.mark.parametrize(
    "end", [f"kill -{signal.SIGSEGV} $$", "echo half of a line | tr -d '\\n'", "echo '{}'; exit 0"]
)
def test_a_decoder_that_ends_without_an_answer_names_the_file(
    end: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = '{"shape": [2, 2, 3], "dtype": "|u1"}'
    program = tmp_path / "decoder"
    program.write_text("#!/bin/sh\ncat > /dev/null\n" + end.replace("{}", answer) + "\n", "utf-8")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))
    with pytest.raises(ImageError, match=r"a\.tiff: its decoder gave up, .* 300 MB of memory and 20 s of a processor"):
        decode_image(tiff_strip(64, 64, 64), "a.tiff")


def test_a_decoder_that_hangs_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "decoder"
    program.write_text("#!/bin/sh\nexec sleep 1000\n", "utf-8")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))
    monkeypatch.setattr(apart, "_WALL_FACTOR", 0.01)
    with pytest.raises(ImageError, match="gave up"):
        decode_image(tiff_strip(64, 64, 64) + bytes(1_000_000), "a.tiff")


def test_the_decoder_keeps_within_the_limits_it_was_given_itself() -> None:
    """An examination's own limits are lower than a large picture's."""
    order = {"data_bytes": 10**12, "cpu_s": 10**6, "max_pixels": None, "wants_alpha": False}
    command = [sys.executable, "-m", "edge.capture.pictures.decoder", json.dumps(order)]

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_CPU, (60, 60))

    data = tiff_strip(30, 20, 20)
    done = subprocess.run(command, input=data, capture_output=True, preexec_fn=limit, check=True)
    head, _, pixels = done.stdout.partition(b"\n")
    assert json.loads(head) == {"shape": [20, 30, 3], "notes": [], "conversion": []}
    assert pixels == bytes(20 * 30 * 3)


def test_a_still_keeps_its_alpha_and_its_bits(tmp_path: Path) -> None:
    image = np.full((20, 30, 4), 40_000, np.uint16)
    image[:, :, 3] = 30_000
    path = tmp_path / "a.tiff"
    path.write_bytes(encode(image, ".tiff"))
    still = read_still(path)
    assert still.alpha is not None
    assert (int(still.alpha[0, 0]), int(still.image[0, 0, 0])) == (30_000 >> 8, 40_000 >> 8)
    assert still.notes == ("16 bits per channel were converted to 8",)
    assert read_image(path).shape == (20, 30, 3)
