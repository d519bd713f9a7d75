"""The feed cursor: opaque text that means "everything after this item of this epoch". Pure; no SQL.

Layout before base64url: version (1 byte), epoch (8), seq (8), checksum (4): 21 bytes, 28 characters, no padding. The
checksum catches altered and foreign text. It is not keyed: a cursor holds no secret, and one from a wiped database must
still be recognised as ours, to be answered with 410 and not with 400.
"""

from __future__ import annotations

import base64
import hashlib
import re
import struct

from edge.errors import CursorError

_VERSION = 1
_LAYOUT = struct.Struct(">B8sQ")
_TEXT = re.compile(r"[A-Za-z0-9_-]{28}", re.ASCII)
MAX_SEQ = 2**63 - 1


def encode(epoch: str, seq: int) -> str:
    """Cursor for "after `seq` of `epoch`" (16 hex digits)."""
    payload = _LAYOUT.pack(_VERSION, bytes.fromhex(epoch), seq)
    return base64.urlsafe_b64encode(payload + _checksum(payload)).decode("ascii")


def decode(text: str) -> tuple[str, int]:
    """Epoch and seq of a cursor; CursorError where we never issued it."""
    if not _TEXT.fullmatch(text):
        raise CursorError("not a cursor of this feed: pass 'next' of an earlier answer unchanged, or leave 'after' out")
    raw = base64.urlsafe_b64decode(text)
    payload, checksum = raw[: _LAYOUT.size], raw[_LAYOUT.size :]
    version, epoch, seq = _LAYOUT.unpack(payload)
    if checksum != _checksum(payload) or version != _VERSION or seq > MAX_SEQ:
        raise CursorError("this cursor was altered on its way: pass 'next' of an earlier answer unchanged")
    return epoch.hex(), seq


def _checksum(payload: bytes) -> bytes:
    return hashlib.blake2s(payload, digest_size=4, person=b"edgecurs").digest()
