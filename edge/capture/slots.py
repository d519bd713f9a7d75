"""How frames lie in the shared memory of a ring: a page of words, then slots, each a page of words and pixels.

Pages are only taken when written, so slots can be as large as the largest image. Who may use which slot, and when, is
the ring's matter.
"""

from __future__ import annotations

import contextlib
import enum
import mmap

import numpy as np
from numpy.typing import NDArray

from edge.arrays import MAX_PIXELS, BgrImage
from edge.capture.planes import Planes

NUM_SLOTS = 4
"""One is held, and two frames are written before the one after could meet a slot that was taken just now."""
PAGE = 4096
SLOT_BYTES = PAGE + -(-MAX_PIXELS * 3 // PAGE) * PAGE
RING_BYTES = PAGE + NUM_SLOTS * SLOT_BYTES
TEXT_BYTES = 2048
NUM_WORDS = 64


class SlotWord(enum.IntEnum):
    """Places of the 64-bit words in a slot's own page."""

    HEIGHT = 0
    WIDTH = 1
    CAPTURED_NS = 2
    MONO_NS = 3
    MEDIA_US = 4
    KIND = 5
    NUMBER = 6
    """Number of the frame that the slot holds, or held before the one that is just being written."""


class Kind(enum.IntEnum):
    """How pixels lie in a slot: BGR, or planes with black at 16 or at 0."""

    BGR = 0
    VIDEO_RANGE = 1
    FULL_RANGE = 2


class Memory:
    """The mapped control block and slots."""

    def __init__(self, memory_fd: int) -> None:
        self._map = mmap.mmap(memory_fd, RING_BYTES)
        self.words: NDArray[np.int64] = np.frombuffer(self._map, np.int64, NUM_WORDS)
        self.text: NDArray[np.uint8] = np.frombuffer(self._map, np.uint8, TEXT_BYTES, PAGE - TEXT_BYTES)
        self.slots: list[NDArray[np.int64]] = [
            np.frombuffer(self._map, np.int64, NUM_WORDS, PAGE + slot * SLOT_BYTES) for slot in range(NUM_SLOTS)
        ]
        """The words of each slot."""

    def fill(self, slot: int, pixels: BgrImage | Planes) -> None:
        """Copy a frame into a slot, with its size and kind."""
        height, width = pixels.shape[:2]
        if isinstance(pixels, Planes):
            kind = Kind.FULL_RANGE if pixels.is_full_range else Kind.VIDEO_RANGE
            place = self._planes(slot, height, width, kind)
            place.y[:], place.u[:], place.v[:] = pixels.y, pixels.u, pixels.v
        else:
            kind = Kind.BGR
            self._image(slot, height, width)[:] = pixels
        words = self.slots[slot]
        words[SlotWord.HEIGHT], words[SlotWord.WIDTH], words[SlotWord.KIND] = height, width, kind

    def frame(self, slot: int) -> BgrImage | Planes | None:
        """The frame where it lies, not copied; None where its words make no sense: a decoder may have gone wild."""
        words = self.slots[slot]
        height, width, kind = (int(words[word]) for word in (SlotWord.HEIGHT, SlotWord.WIDTH, SlotWord.KIND))
        if min(height, width) < 1 or height * width > MAX_PIXELS or kind not in tuple(Kind):
            return None
        if kind == Kind.BGR:
            return self._image(slot, height, width)
        return None if height % 2 or width % 2 else self._planes(slot, height, width, Kind(kind))

    def close(self) -> None:
        """Unmap, or let that happen once nobody reads a frame in place any more."""
        del self.words, self.text, self.slots
        with contextlib.suppress(BufferError):
            self._map.close()

    def _image(self, slot: int, height: int, width: int) -> BgrImage:
        return self._bytes(slot, height * width * 3).reshape(height, width, 3)

    def _planes(self, slot: int, height: int, width: int, kind: Kind) -> Planes:
        data = self._bytes(slot, height * width * 3 // 2)
        return Planes.within(data, height, width, is_full_range=kind is Kind.FULL_RANGE)

    def _bytes(self, slot: int, count: int) -> NDArray[np.uint8]:
        return np.frombuffer(self._map, np.uint8, count, 2 * PAGE + slot * SLOT_BYTES)
