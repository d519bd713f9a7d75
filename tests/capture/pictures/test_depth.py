"""Pictures of 9 to 15 bits in 16, whose numbers end long before white."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, TiffImagePlugin

from edge.capture.files import ImagesSource
from edge.capture.pictures.images import decode_image, decode_noted
from edge.capture.pictures.stills import read_still
from edge.errors import ImageError
from tests.support.media import encode

RAMP = np.tile(np.linspace(0, 255, 96).astype(np.uint8), (32, 1))


def deep(bits: int) -> NDArray[np.uint16]:
    """The ramp in so many bits, with something in the lowest."""
    values = (RAMP.astype(np.float64) / 255 * ((1 << bits) - 1)).round().astype(np.uint16)
    return np.minimum(values.astype(int) + np.arange(32)[:, np.newaxis] % 3, (1 << bits) - 1).astype(np.uint16)


def with_sbit(png: bytes, bits: int) -> bytes:
    body = b"sBIT" + bytes([bits])
    return png[:33] + struct.pack(">I", 1) + body + struct.pack(">I", zlib.crc32(body)) + png[33:]


def tiff(values: NDArray[np.uint16], **fields: int) -> bytes:
    info = TiffImagePlugin.ImageFileDirectory_v2()
    for name, value in fields.items():
        info[int(name.removeprefix("tag"))] = value
    file = io.BytesIO()
    Image.fromarray(values).save(file, "TIFF", tiffinfo=info)
    return file.getvalue()


def packed_tiff(values: NDArray[np.uint16], bits: int) -> bytes:
    """An uncompressed gray TIFF whose samples lie bit behind bit."""
    height, width = values.shape
    spread = (values[:, :, np.newaxis] >> np.arange(bits - 1, -1, -1, dtype=np.uint16)) & 1
    rows = np.packbits(spread.reshape(height, -1).astype(np.uint8), axis=1).tobytes()
    entries = [
        (256, 3, width), (257, 3, height), (258, 3, bits), (259, 3, 1), (262, 3, 1), (273, 4, 8), (277, 3, 1),
        (278, 3, height), (279, 4, len(rows)),
    ]  # fmt: skip
    directory = struct.pack("<H", len(entries))
    for tag, kind, value in entries:
        directory += struct.pack("<HHI", tag, kind, 1)
        directory += struct.pack("<HH", value, 0) if kind == 3 else struct.pack("<I", value)
    return b"II*\x00" + struct.pack("<I", 8 + len(rows)) + rows + directory + bytes(4)


def near_ramp(data: bytes) -> bool:
    image = decode_image(data, "x")
    return int(np.abs(image[:, :, 1].astype(int) - RAMP).max()) <= 2 and bool((image[:, :, 0] == image[:, :, 2]).all())


@pytest.mark.parametrize("bits", range(9, 16))
@pytest.mark.parametrize("suffix", [".png", ".tiff"])
def test_values_of_fewer_bits_are_stretched_and_that_is_told(bits: int, suffix: str, tmp_path: Path) -> None:
    data = encode(deep(bits), suffix)
    assert near_ramp(data)
    told = f"its values end at {(1 << bits) - 1} of 65535, so it was taken for a picture of {bits} bits"
    (tmp_path / f"deep{suffix}").write_bytes(data)
    assert told in read_still(tmp_path / f"deep{suffix}").notes[-1]
    with ImagesSource(tmp_path / f"deep{suffix}", 25) as source:
        assert len(list(source.frames())) == 1
        assert source.problem is not None
        assert told in source.problem


@pytest.mark.parametrize("bits", [10, 12, 14, 16])
def test_what_a_file_says_needs_no_guess(bits: int) -> None:
    half = deep(bits) // 2  # a dark picture stays as dark as it is
    wanted = np.abs(decode_image(encode(RAMP // 2, ".png"), "x").astype(int))
    files = [with_sbit(encode(half, ".png"), bits), tiff(half, tag281=(1 << bits) - 1)]
    files += [packed_tiff(half, bits)] if bits < 16 else []
    files += [b"P5 96 32\n# by a camera\n%d\n" % ((1 << bits) - 1) + half.astype(">u2").tobytes()]
    for number, data in enumerate(files):
        image, notes, conversion = decode_noted(data, "x")
        assert notes == (), number
        assert len(conversion) == 1
        assert int(np.abs(image.astype(int) - wanted).max()) <= 2, number


def test_dark_pictures_that_were_stretched_to_16_bits_stay_dark() -> None:
    dark = RAMP // 20
    for values in (dark.astype(np.uint16) * 257, dark.astype(np.uint16) << 8, dark.astype(np.uint16) << 6):
        for data in (encode(values, ".png"), with_sbit(encode(values, ".png"), 10)):
            image, notes, _ = decode_noted(data, "x")
            assert notes == ()
            assert np.array_equal(image[:, :, 0], values >> 8)


def test_few_gray_values_of_a_netpbm_reach_white() -> None:
    data = b"P5 96 32 100\n" + (RAMP.astype(np.float64) / 255 * 100).round().astype(np.uint8).tobytes()
    assert near_ramp(data)


def test_black_stays_black() -> None:
    image, notes, _ = decode_noted(encode(np.full((8, 8), 9, np.uint16), ".png"), "x")
    assert (int(image.max()), notes) == (0, ())


def test_a_deep_tiff_that_counts_from_white_is_no_negative() -> None:
    for bits in (12, 16):
        values = ((1 << bits) - 1 - deep(bits).astype(int)).astype(np.uint16)
        assert near_ramp(tiff(values, tag262=0, **({"tag281": 4095} if bits == 12 else {})))
    file = io.BytesIO()
    Image.fromarray(RAMP).save(file, "TIFF", tiffinfo={262: 0})
    assert near_ramp(file.getvalue())


def test_underexposed_pictures_are_of_an_even_number_of_bits() -> None:
    image, notes, _ = decode_noted(encode((deep(12) * 0.45).astype(np.uint16), ".png"), "x")
    assert "a picture of 12 bits" in notes[0]
    assert 110 <= int(image.max()) <= 118


@pytest.mark.parametrize("bits", range(9, 16))
def test_marks_in_white_do_not_hide_of_how_many_bits_a_picture_is(bits: int) -> None:
    values = deep(bits)
    values[:2, :3] = 65_535
    for data in (encode(values, ".png"), encode(values, ".tiff"), with_sbit(encode(values, ".png"), bits)):
        image = decode_image(data, "x")
        assert int(np.abs(image[2:, :, 1].astype(int) - RAMP[2:]).max()) <= 2
        assert int(image[:2, :3].min()) == 255


def test_a_picture_stretched_to_16_bits_stays_dark_under_marks() -> None:
    for dark in ((RAMP // 20).astype(np.uint16) * 257, (RAMP // 20).astype(np.uint16) << 8):
        dark[0, :5] = 65_535
        image, notes, _ = decode_noted(encode(dark, ".png"), "x")
        assert notes == ()
        assert np.array_equal(image[1:, :, 0], dark[1:] >> 8)


def test_a_picture_that_may_be_of_fewer_bits_says_so() -> None:
    values = deep(12)
    values[0, :20] = np.linspace(9000, 60_000, 20)
    image, notes, _ = decode_noted(encode(values, ".png"), "x")
    assert int(image[1:].max()) <= 15
    assert "nearly all of its values are below 4096 of 65535" in notes[0]


@pytest.mark.parametrize("moved", [2, 3, 4, 5, 6])
def test_eight_bits_moved_up_are_no_black_picture(moved: int) -> None:
    for values in (RAMP, RAMP // 2) if moved % 2 == 0 else (RAMP,):  # a dark one: nothing is brighter than white
        image, notes, _ = decode_noted(encode(values.astype(np.uint16) << moved, ".png"), "x")
        assert int(np.abs(image[:, :, 0].astype(int) - values).max()) <= 2
        assert f"a picture of {8 + moved} bits" in notes[0]
        named, notes, _ = decode_noted(with_sbit(encode(values.astype(np.uint16) << moved, ".png"), 8 + moved), "x")
        assert int(np.abs(named[:, :, 0].astype(int) - values).max()) <= 2
        assert notes == ()


@pytest.mark.parametrize("white", [15, 100, 255, 1000])
@pytest.mark.parametrize("end", [b"", b"\n"])
def test_netpbm_in_words_is_as_bright_as_it_says(white: int, end: bytes) -> None:
    values = (RAMP.astype(np.float64) / 255 * white).round().astype(int)
    data = b"P2 96 32 %d\n" % white + b" ".join(b"%d" % value for value in values.ravel()) + end
    image = decode_image(data, "x")
    assert int(np.abs(image[:, :, 1].astype(float) - values * 255 / white).max()) <= 1


def test_planes_of_16_bits_are_read_or_refused() -> None:
    def planes(values: NDArray[np.uint16]) -> bytes:
        height, width = values.shape
        rows = np.stack([values, values // 2, values // 4]).astype("<u2").tobytes()
        size = 2 * height * width
        entries = [
            (256, 3, 1, width), (257, 3, 1, height), (258, 3, 3, 8), (259, 3, 1, 1), (262, 3, 1, 2), (273, 4, 3, 14),
            (277, 3, 1, 3), (278, 3, 1, height), (279, 4, 3, 26), (284, 3, 1, 2),
        ]  # fmt: skip
        arrays = struct.pack("<3H3I3I", 16, 16, 16, 38, 38 + size, 38 + 2 * size, size, size, size)
        directory = struct.pack("<H", len(entries)) + b"".join(struct.pack("<HHII", *entry) for entry in entries)
        return b"II*\x00" + struct.pack("<I", 38 + 3 * size) + arrays + rows + directory + bytes(4)

    image = decode_image(planes(RAMP.astype(np.uint16) * 257), "x")
    assert int(np.abs(image[:, :, 2].astype(int) - RAMP).max()) <= 1
    assert int(np.abs(image[:, :, 0].astype(int) - RAMP // 4).max()) <= 1
    with pytest.raises(ImageError, match="whose colors lie apart"):
        decode_image(planes(deep(12)), "x")


def test_signed_numbers_are_named() -> None:
    with pytest.raises(ImageError, match="a TIFF of signed 16-bit numbers"):
        decode_image(tiff(deep(12), tag339=2), "x")
