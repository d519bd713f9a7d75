"""Whether the coded data of a JPEG are damaged: OpenCV makes a picture of what is left, and says nothing.

A half that was lost on a card or on its way is gray then, or what follows a gap is moved aside.
"""

from __future__ import annotations

import re
import struct

from edge.capture.pictures.headers import MAX_SEGMENTS, sniff_size, start_of_frame

DAMAGED = "its data are damaged, so parts of it may be gray, moved aside or of wrong colors; copy the file again"
_USUAL = (0xC0, 0xC1, 0xC2)
"""Baseline, extended and progressive, of Huffman codes (T.81, B.2.2)."""
_SCAN = 0xDA
_ALIGNED = 64
"""Columns that FFmpeg may add to a picture."""
_LEFT_OUT = (*range(0xE0, 0xF0), 0xFE)
"""What is about the picture, not of it: damage there changes no pixel."""


def is_damaged_jpeg(data: bytes) -> bool:
    """Whether FFmpeg, which is stricter, meets a code that can't be, or too few of them; False where it can't read it.

    Damage may pass for other codes: some is not noticed, mostly that of a few bits, or of zeros in fine detail.
    """
    # Imported late: it takes memory that whoever reads other pictures need not have.
    from av.codec import CodecContext
    from av.error import FFmpegError, InvalidDataError
    from av.packet import Packet

    try:
        if data[start_of_frame(data)] not in _USUAL:
            return False
    except (ValueError, IndexError, struct.error):
        return False
    decoder = CodecContext.create("mjpeg", "r")
    width, height = sniff_size(data) or (1, 1)
    decoder.options = {"err_detect": "explode", "max_pixels": str((width + _ALIGNED) * (height + _ALIGNED))}
    decoder.thread_count = 1
    try:
        decoder.decode(Packet(without_remarks(data)))
    except InvalidDataError:
        return True
    except (FFmpegError, ValueError):
        return False
    return False


def without_remarks(data: bytes) -> bytes:
    """A JPEG without what lies about it before its first scan, such as EXIF; as far as its segments can be followed."""
    kept, at = [data[:2]], 2
    for _ in range(MAX_SEGMENTS):
        found = _MARKER.match(data, at)
        if found is None or found[1][0] == _SCAN:
            break
        end = found.end() + int.from_bytes(data[found.end() : found.end() + 2])
        if found[1][0] not in _LEFT_OUT:
            kept.append(b"\xff" + data[found.end() - 1 : end])
        at = end
    return b"".join([*kept, data[at:]])


_MARKER = re.compile(rb"\xff+([^\xff\x00])", re.DOTALL)
