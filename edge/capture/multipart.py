"""Splits a `multipart/x-mixed-replace` byte stream into its parts. Knows nothing of HTTP or pictures."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

MAX_PART_BYTES = 32_000_000
_MAX_HEADER_BYTES = 16_384
_CHUNK_BYTES = 65_536


def read_parts(read_some: Callable[[int], bytes], boundary: bytes) -> Iterator[bytes]:
    """Bodies of the parts until `read_some` returns nothing.

    A part with a Content-Length is given as soon as that many bytes are here: waiting for the next boundary would make
    each picture one picture late. A length that runs over a boundary is not believed. `MAX_PART_BYTES` is the limit.
    """
    stream = _Buffered(read_some)
    mark = b"--" + boundary
    while stream.skip_past(mark):
        headers = stream.take_until(re.compile(rb"\r?\n\r?\n"), _MAX_HEADER_BYTES)
        if headers is None:
            return
        found = re.search(rb"^content-length:[ \t]*(\d{1,10})[ \t]*\r?$", headers, re.IGNORECASE | re.MULTILINE)
        length = int(found[1]) if found else 0
        if 0 < length <= MAX_PART_BYTES:
            body = stream.take(length)
            if mark in body:
                body, _, rest = body.partition(mark)
                stream.put_back(mark + rest)
        else:
            body = stream.take_until(re.compile(rb"\r?\n(?=" + re.escape(mark) + rb")"), MAX_PART_BYTES) or b""
        if body:
            yield body


class _Buffered:
    """Bytes read ahead of a stream."""

    def __init__(self, read_some: Callable[[int], bytes]) -> None:
        self._read_some = read_some
        self._held = bytearray()

    def _fill(self) -> bool:
        more = self._read_some(_CHUNK_BYTES)
        self._held += more
        return bool(more)

    def skip_past(self, mark: bytes) -> bool:
        """Drop everything up to and including `mark`; False where the stream ends first."""
        while (at := self._held.find(mark)) < 0:
            del self._held[: max(0, len(self._held) - len(mark))]
            if not self._fill():
                return False
        del self._held[: at + len(mark)]
        return True

    def take(self, length: int) -> bytes:
        """Exactly `length` bytes, fewer where the stream ends first."""
        while len(self._held) < length and self._fill():
            pass
        taken = bytes(self._held[:length])
        del self._held[:length]
        return taken

    def take_until(self, end: re.Pattern[bytes], limit: int) -> bytes | None:
        """Bytes before `end`, which is dropped; None where the stream ends first, nothing where `limit` is passed."""
        searched = 0
        while (found := end.search(self._held, max(0, searched - 256))) is None:
            searched = len(self._held)
            if searched > limit:
                self._held.clear()
                return b""
            if not self._fill():
                return None
        taken = bytes(self._held[: found.start()])
        del self._held[: found.end()]
        return taken

    def put_back(self, data: bytes) -> None:
        """Put `data` back, to be read next."""
        self._held[:0] = data
