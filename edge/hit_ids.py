"""Ids of hits: UUIDv7 (RFC 9562, 5.7), which sort by time. The bits behind the time are derived for a hit that a camera
caused, so that the same frames give the same id, and drawn for a drill, so that no two are the same.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
import uuid

_NUM_LOW_BITS = 80
"""Bits behind the 48 of the time; version and variant replace six of them."""


def derive_hit_id(captured_at: dt.datetime, *parts: str) -> str:
    """The id of what was seen at that time; `parts` name device, camera, person and visit."""
    digest = hashlib.sha256("\0".join(parts).encode()).digest()
    return _version_7(captured_at, int.from_bytes(digest[: _NUM_LOW_BITS // 8], "big"))


def draw_hit_id(at: dt.datetime) -> str:
    """An id that is never given twice."""
    return _version_7(at, secrets.randbits(_NUM_LOW_BITS))


def _version_7(at: dt.datetime, low_bits: int) -> str:
    value = (int(at.timestamp() * 1000) & (1 << 48) - 1) << _NUM_LOW_BITS | low_bits
    value = value & ~(0xF << 76) | 0x7 << 76  # version
    value = value & ~(0x3 << 62) | 0x2 << 62  # variant
    return str(uuid.UUID(int=value))
