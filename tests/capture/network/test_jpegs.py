"""Pictures found in a stream of bytes, however it is cut and whatever stands between them."""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from edge.capture.network.jpegs import Piece, read_jpegs
from tests.support.media import encode, flat

PICTURES = [encode(flat(gray, 32, 48)) for gray in (40, 120, 200)]
NOISE = cv2.imencode(".jpg", np.random.default_rng(3).integers(0, 256, (64, 64, 3), np.uint8))[1].tobytes()
PROGRESSIVE = cv2.imencode(
    ".jpg",
    np.random.default_rng(4).integers(0, 256, (64, 64, 3), np.uint8),
    [cv2.IMWRITE_JPEG_PROGRESSIVE, 1, cv2.IMWRITE_JPEG_RST_INTERVAL, 2],
)[1].tobytes()
HEADER = b"\r\n--edge\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n"


def found(wire: bytes, chunk: int = 1 << 16) -> list[Piece]:
    chunks = iter([wire[at : at + chunk] for at in range(0, len(wire), chunk)])
    return list(read_jpegs(lambda _: next(chunks, b"")))


def whole(pieces: Iterable[Piece]) -> list[bytes]:
    return [piece.data for piece in pieces if piece.is_whole]


BETWEEN = st.binary(max_size=40).filter(lambda text: b"\xff" not in text) | st.just(HEADER % 7)


@given(st.lists(st.tuples(BETWEEN, st.sampled_from([*PICTURES, NOISE, PROGRESSIVE])), max_size=6), st.integers(1, 700))
def test_pictures_survive_any_cutting_of_the_stream(parts: list[tuple[bytes, bytes]], chunk: int) -> None:
    wire = b"".join(between + picture for between, picture in parts)
    assert whole(found(wire, chunk)) == [picture for _, picture in parts]


def test_a_comment_a_thumbnail_and_filled_marks_belong_to_the_picture() -> None:
    plain = PICTURES[0]
    comment = b"\xff\xfe\x00\x14" + b"x" * 18
    thumbnail = b"\xff\xe1" + (len(PICTURES[1]) + 2).to_bytes(2, "big") + PICTURES[1]
    for extra in (comment, thumbnail, b"\xff\xff"):
        odd = plain[:2] + extra + plain[2:]
        assert whole(found(odd + PICTURES[2])) == [odd, PICTURES[2]]


@given(st.integers(4, len(PICTURES[1]) - 1), st.booleans())
def test_a_picture_that_is_cut_off_costs_itself_alone(cut: int, has_header: bool) -> None:
    first, last = PICTURES[0], PICTURES[2]
    header = HEADER % len(first) if has_header else b""
    pieces = found(header + first + header + PICTURES[1][:cut] + HEADER % 9 + last + HEADER % 9 + first)
    assert whole(pieces) == [first, last, first]
    assert len(pieces) == 4


def test_a_part_without_a_picture_is_counted() -> None:
    pieces = found(HEADER % 9 + PICTURES[0] + HEADER % 9 + b"not a jpeg" + HEADER % 9 + PICTURES[1])
    assert [piece.is_whole for piece in pieces] == [True, False, True]


def test_texts_between_the_pictures_are_no_damage() -> None:
    told = b"\r\n--edge\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nlevel"
    wire = b"".join(told + HEADER % len(picture) + picture for picture in PICTURES)
    assert [piece.is_whole for piece in found(wire)] == [True] * 3


def test_what_is_no_picture_ends_without_one() -> None:
    assert found(b"") == found(b"\xff\xd8\xff") == found(bytes(1000)) == []
    assert whole(found(b"\xff\xd8\xff\xe0" + bytes(3000))) == []


@given(st.integers(4, len(PICTURES[1]) - 1))
def test_the_last_picture_of_a_body_that_was_cut_is_counted(cut: int) -> None:
    pieces = found(PICTURES[0] + PICTURES[1][:cut])
    assert [piece.is_whole for piece in pieces] == [True, False]
