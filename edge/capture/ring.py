"""Frames from the capture child to the service through shared memory: one writer, one reader, the newest frame wins.

The memory is an anonymous file (memfd) that the parent makes and the child inherits. It has no name, so nothing is left
behind whoever is killed, and pages are only taken when written, so slots can be as large as the largest image. Nothing
here knows of cameras.

The writer goes round the slots and never waits. It fills a slot, then publishes its frame's number, and signals an
eventfd that wakes the reader. The reader copies a slot, then looks at the number again: if the writer may have come
round to that slot meanwhile, the copy is thrown away and the newest frame is taken instead. Between pixels and number
lies a system call on both sides, because processors such as ARM's let plain stores and loads pass each other.
"""

from __future__ import annotations

import contextlib
import enum
import mmap
import os
import select
import time
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from edge.arrays import MAX_PIXELS, BgrImage
from edge.errors import ImageError

NUM_SLOTS = 4
_PAGE = 4096
_SLOT_BYTES = _PAGE + -(-MAX_PIXELS * 3 // _PAGE) * _PAGE
_RING_BYTES = _PAGE + NUM_SLOTS * _SLOT_BYTES
_TEXT_BYTES = 2048
_NUM_WORDS = 64
_NO_MEDIA_TIME = -1
_TRIES = 8


class Phase(enum.IntEnum):
    """What the child says it is doing."""

    STARTING = 0
    OPENING = 1
    STREAMING = 2
    WAITING = 3
    """Waiting before the next try to open the source; the text says why."""
    ENDED = 4
    """A recording was played to its end."""


class Sight(enum.IntEnum):
    """What the child says of the scene that its camera should see."""

    CLEAR = 0
    COVERED = 1
    DEFOCUSED = 2
    MOVED = 3
    WASHED_OUT = 4
    FROZEN = 5


class ControlWord(enum.IntEnum):
    """Places of the 64-bit words in the control block."""

    WRITTEN = 0
    """Number of the newest frame; the first is 1."""
    TAKEN = 1
    """Number of the newest frame that the reader took; the only word that the reader writes."""
    PHASE = 2
    BEAT_NS = 3
    """Monotonic time of the last sign of progress."""
    FRAME_NS = 4
    """Monotonic time of the newest frame."""
    UNCHANGED_SINCE_NS = 5
    DARK_SINCE_NS = 6
    BAD_FRAMES = 7
    """Broken pictures that were left out, over all children."""
    TEXT_VERSION = 8
    """Odd while the text is being written."""
    SIGHT = 10
    """Number of the `Sight` that holds."""
    SILENCE_MS = 9
    """Milliseconds that the source may be silent by its own rate; 0: nothing is known of it."""


class _SlotWord(enum.IntEnum):
    HEIGHT = 0
    WIDTH = 1
    CAPTURED_NS = 2
    MONO_NS = 3
    MEDIA_US = 4


@dataclass(frozen=True, slots=True)
class RingFrame:
    """A frame as it lies in the ring. `image` is a copy."""

    number: int
    image: BgrImage = field(repr=False)
    captured_ns: int
    """UTC, nanoseconds since 1970."""
    mono_ns: int
    media_s: float | None


class _Memory:
    """The mapped control block and slots."""

    def __init__(self, memory_fd: int) -> None:
        self._map = mmap.mmap(memory_fd, _RING_BYTES)
        self.words: NDArray[np.int64] = np.frombuffer(self._map, np.int64, _NUM_WORDS)
        self.text: NDArray[np.uint8] = np.frombuffer(self._map, np.uint8, _TEXT_BYTES, _PAGE - _TEXT_BYTES)

    def slot_words(self, number: int) -> NDArray[np.int64]:
        return np.frombuffer(self._map, np.int64, _NUM_WORDS, self._slot_at(number))

    def slot_pixels(self, number: int, height: int, width: int) -> BgrImage:
        pixels = np.frombuffer(self._map, np.uint8, height * width * 3, self._slot_at(number) + _PAGE)
        return pixels.reshape(height, width, 3)

    def close(self) -> None:
        del self.words, self.text
        self._map.close()

    @staticmethod
    def _slot_at(number: int) -> int:
        return _PAGE + number % NUM_SLOTS * _SLOT_BYTES


class RingWriter:
    """The child's end. Continues the frame numbers, also those of a child that was killed."""

    def __init__(self, memory_fd: int, event_fd: int) -> None:
        self._memory = _Memory(memory_fd)
        self._event_fd = event_fd

    def write(self, image: BgrImage, captured_ns: int, mono_ns: int, media_s: float | None) -> int:
        """Publish a frame, (H, W, 3) uint8, and return its number. Copies `image`; never waits for the reader."""
        height, width = image.shape[:2]
        if height * width > MAX_PIXELS:
            raise ImageError(f"a frame of {width} x {height} pixels is more than {MAX_PIXELS}; ask the camera for less")
        number = self.get(ControlWord.WRITTEN) + 1
        words = self._memory.slot_words(number)
        self._memory.slot_pixels(number, height, width)[:] = image
        words[_SlotWord.HEIGHT] = height
        words[_SlotWord.WIDTH] = width
        words[_SlotWord.CAPTURED_NS] = captured_ns
        words[_SlotWord.MONO_NS] = mono_ns
        words[_SlotWord.MEDIA_US] = _NO_MEDIA_TIME if media_s is None else round(media_s * 1e6)
        os.eventfd_write(self._event_fd, 0)  # adds 0: the system call is a memory barrier between pixels and number
        self.put(ControlWord.FRAME_NS, mono_ns)
        self.put(ControlWord.WRITTEN, number)
        os.eventfd_write(self._event_fd, 1)
        return number

    def get(self, word: ControlWord) -> int:
        """One word of the control block."""
        return int(self._memory.words[word])

    def put(self, word: ControlWord, value: int) -> None:
        """Set one word of the control block."""
        self._memory.words[word] = value

    def set_phase(self, phase: Phase, text: str = "") -> None:
        """Set what the child does from now on, with a text if something is wrong."""
        self.put(ControlWord.TEXT_VERSION, self.get(ControlWord.TEXT_VERSION) | 1)
        data = text.encode()[: _TEXT_BYTES - 1].ljust(_TEXT_BYTES, b"\x00")
        self._memory.text[:] = np.frombuffer(data, np.uint8)
        self.put(ControlWord.TEXT_VERSION, self.get(ControlWord.TEXT_VERSION) + 1)
        self.report_progress()
        self.put(ControlWord.PHASE, phase)

    def report_progress(self) -> None:
        """Report progress."""
        self.put(ControlWord.BEAT_NS, time.monotonic_ns())

    def close(self) -> None:
        """Unmap; the descriptors belong to whoever passed them."""
        self._memory.close()


class RingReader:
    """The parent's end, which makes and owns the memory. `dropped` counts frames that were replaced unread."""

    def __init__(self) -> None:
        self.dropped = 0
        self._memory_fd = os.memfd_create("edge-frames", os.MFD_CLOEXEC)
        os.ftruncate(self._memory_fd, _RING_BYTES)
        self._event_fd = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._memory = _Memory(self._memory_fd)
        self._last = 0
        self._is_woken = False

    @property
    def fds(self) -> tuple[int, int]:
        """Memory and event descriptors, for the child to inherit."""
        return self._memory_fd, self._event_fd

    def newest(self, timeout_s: float) -> RingFrame | None:
        """The newest frame not returned before; waits up to `timeout_s` for one."""
        poll = select.poll()
        poll.register(self._event_fd, select.POLLIN)
        deadline = time.monotonic() + timeout_s
        while not self._is_woken:
            self._clear_event()
            frame = self._take()
            left_s = deadline - time.monotonic()
            if frame is not None or left_s <= 0:
                return frame
            poll.poll(left_s * 1000)
        return None

    def get(self, word: ControlWord) -> int:
        """One word of the control block."""
        return int(self._memory.words[word])

    def text(self) -> str:
        """The fault that the child reports; empty without one, or if it was killed while it wrote."""
        version = self.get(ControlWord.TEXT_VERSION)
        data = self._memory.text.tobytes()
        if version % 2 or version != self.get(ControlWord.TEXT_VERSION):
            return ""
        return data.split(b"\x00", 1)[0].decode(errors="replace")

    def reset(self) -> None:
        """Clear what the last child reported. Only while no child runs."""
        for word in (
            ControlWord.UNCHANGED_SINCE_NS,
            ControlWord.DARK_SINCE_NS,
            ControlWord.SILENCE_MS,
            ControlWord.SIGHT,
        ):
            self._memory.words[word] = 0
        self._memory.words[ControlWord.TEXT_VERSION] = 0
        self._memory.text[:] = 0
        self._memory.words[ControlWord.PHASE] = Phase.STARTING
        self._memory.words[ControlWord.BEAT_NS] = time.monotonic_ns()

    def skip(self) -> None:
        """Never return what was written up to now. Only while no child runs, and nobody is in `newest`."""
        self._last = self.get(ControlWord.WRITTEN)
        self._memory.words[ControlWord.TAKEN] = self._last

    def wake(self) -> None:
        """Let a waiting `newest` return None, and every later one at once."""
        self._is_woken = True
        os.eventfd_write(self._event_fd, 1)

    def close(self) -> None:
        """Give the memory back. Not while another thread is in `newest`."""
        self._memory.close()
        os.close(self._memory_fd)
        os.close(self._event_fd)

    def _clear_event(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.eventfd_read(self._event_fd)

    def _take(self) -> RingFrame | None:
        for _ in range(_TRIES):
            number = self.get(ControlWord.WRITTEN)
            if number <= self._last:
                return None
            frame = self._copy(number)
            if frame is not None:
                self.dropped += number - self._last - 1
                self._last = number
                self._memory.words[ControlWord.TAKEN] = number
                return frame
        return None

    def _copy(self, number: int) -> RingFrame | None:
        """Frame `number`, or None where the writer has come round to its slot."""
        words = self._memory.slot_words(number)
        height, width = int(words[_SlotWord.HEIGHT]), int(words[_SlotWord.WIDTH])
        if not 0 < height * width <= MAX_PIXELS:
            return None
        image = self._memory.slot_pixels(number, height, width).copy()
        media_us = int(words[_SlotWord.MEDIA_US])
        media_s = None if media_us == _NO_MEDIA_TIME else media_us / 1e6
        frame = RingFrame(number, image, int(words[_SlotWord.CAPTURED_NS]), int(words[_SlotWord.MONO_NS]), media_s)
        self._clear_event()  # the system call is a memory barrier between the copy and the check below
        return frame if self.get(ControlWord.WRITTEN) < number + NUM_SLOTS - 1 else None
