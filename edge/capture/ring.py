"""Frames from the capture child to the service through shared memory: one writer, one reader, the newest frame wins.

The memory is an anonymous file (memfd) that the parent makes and the child inherits. It has no name, so nothing is left
behind whoever is killed. How frames lie in it is in `slots`. Nothing here knows of cameras.

The writer goes round the slots and never waits. It fills a slot, then publishes its frame's number, and signals an
eventfd that wakes the reader. The reader says which slot it holds and reads the frame in place; the writer passes that
slot over until the reader asks for the next frame. Having said so, the reader looks at the number again: if the writer
may have chosen that slot before it could know, the newest frame is taken instead. Between pixels and number, and
between what is held and that second look, lies a system call, because processors such as ARM's let plain stores and
loads pass each other; besides, a whole frame is written between the last moment that counts and the first that harms.
"""

from __future__ import annotations

import contextlib
import enum
import os
import select
import time
from dataclasses import dataclass, field

import numpy as np

from edge.arrays import MAX_PIXELS, BgrImage
from edge.capture.planes import HeldPixels, Planes
from edge.capture.slots import NUM_SLOTS, RING_BYTES, TEXT_BYTES, Memory, SlotWord
from edge.errors import ImageError

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
    LOOPED = 6
    """`frozen`, by a stream that plays seconds or minutes again and again."""


class ControlWord(enum.IntEnum):
    """Places of the 64-bit words in the control block."""

    WRITTEN = 0
    """Number of the newest frame; the first is 1."""
    TAKEN = 1
    """Number of the newest frame that the reader took; the reader writes it."""
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
    SILENCE_MS = 9
    """Milliseconds that the source may be silent by its own rate; 0: nothing is known of it."""
    SIGHT = 10
    """Number of the `Sight` that holds."""
    HELD = 11
    """1 plus the slot that is being read, 0 for none; the reader writes it."""


@dataclass(frozen=True, slots=True)
class RingFrame:
    """A frame as it lies in the ring, until the next one is asked for."""

    number: int
    pixels: HeldPixels = field(repr=False)
    captured_ns: int
    """UTC, nanoseconds since 1970."""
    mono_ns: int
    media_s: float | None

    @property
    def image(self) -> BgrImage:
        """A copy, (H, W, 3) uint8 BGR; there for good once it was asked for."""
        return self.pixels.image


class RingWriter:
    """The child's end. Continues the frame numbers, also those of a child that was killed."""

    def __init__(self, memory_fd: int, event_fd: int) -> None:
        self._memory = Memory(memory_fd)
        self._event_fd = event_fd
        for words in self._memory.slots:
            # Filled by a child that was killed before it published: nobody may take that frame for the next one.
            if words[SlotWord.NUMBER] > self.get(ControlWord.WRITTEN):
                words[SlotWord.NUMBER] = 0

    def write(self, pixels: BgrImage | Planes, captured_ns: int, mono_ns: int, media_s: float | None) -> int:
        """Publish a frame, (H, W, 3) uint8 BGR or planes, and return its number. Copies; never waits for the reader."""
        height, width = pixels.shape[:2]
        if height * width > MAX_PIXELS:
            raise ImageError(f"a frame of {width} x {height} pixels is more than {MAX_PIXELS}; ask the camera for less")
        number = self.get(ControlWord.WRITTEN) + 1
        slot = self._free_slot()
        self._memory.fill(slot, pixels)
        words = self._memory.slots[slot]
        words[SlotWord.NUMBER] = number
        words[SlotWord.CAPTURED_NS] = captured_ns
        words[SlotWord.MONO_NS] = mono_ns
        words[SlotWord.MEDIA_US] = _NO_MEDIA_TIME if media_s is None else round(media_s * 1e6)
        os.eventfd_write(self._event_fd, 0)  # adds 0: the system call is a memory barrier between pixels and number
        self.put(ControlWord.FRAME_NS, mono_ns)
        self.put(ControlWord.WRITTEN, number)
        os.eventfd_write(self._event_fd, 1)
        return number

    def _free_slot(self) -> int:
        """The slot of the oldest frame but for the one that is being read."""
        held = self.get(ControlWord.HELD) - 1
        numbers = [int(words[SlotWord.NUMBER]) for words in self._memory.slots]
        return min((slot for slot in range(NUM_SLOTS) if slot != held), key=numbers.__getitem__)

    def get(self, word: ControlWord) -> int:
        """One word of the control block."""
        return int(self._memory.words[word])

    def put(self, word: ControlWord, value: int) -> None:
        """Set one word of the control block."""
        self._memory.words[word] = value

    def set_phase(self, phase: Phase, text: str = "") -> None:
        """Set what the child does from now on, with a text if something is wrong."""
        self.put(ControlWord.TEXT_VERSION, self.get(ControlWord.TEXT_VERSION) | 1)
        data = text.encode()[: TEXT_BYTES - 1].ljust(TEXT_BYTES, b"\x00")
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
    """The parent's end, which makes and owns the memory."""

    def __init__(self) -> None:
        self._dropped = 0
        self._is_closed = False
        self._memory_fd = os.memfd_create("edge-frames", os.MFD_CLOEXEC)
        os.ftruncate(self._memory_fd, RING_BYTES)
        self._event_fd = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._memory = Memory(self._memory_fd)
        self._last = 0
        self._held: HeldPixels | None = None
        self._is_woken = False

    @property
    def fds(self) -> tuple[int, int]:
        """Memory and event descriptors, for the child to inherit."""
        return self._memory_fd, self._event_fd

    @property
    def dropped(self) -> int:
        """Frames that were replaced unread, also while nobody asks for any: a reader that is starved must show."""
        if self._is_closed:
            return self._dropped
        return self._dropped + max(0, self.get(ControlWord.WRITTEN) - self._last - 1)

    def newest(self, timeout_s: float) -> RingFrame | None:
        """The newest frame not returned before; waits up to `timeout_s` for one. The last one is given back first."""
        self._give_back()
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
        """Give the memory back. Not while another thread is in `newest`; the frame returned last stays readable."""
        self._dropped, self._is_closed = self.dropped, True
        self._memory.close()
        os.close(self._memory_fd)
        os.close(self._event_fd)

    def _clear_event(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.eventfd_read(self._event_fd)

    def _give_back(self) -> None:
        if self._held is not None:
            self._held.give_back()
            self._held = None
        self._memory.words[ControlWord.HELD] = 0

    def _take(self) -> RingFrame | None:
        for _ in range(_TRIES):
            number = self.get(ControlWord.WRITTEN)
            if number <= self._last:
                break
            frame = self._hold(number)
            if frame is not None:
                self._dropped += number - self._last - 1
                self._last = number
                self._held = frame.pixels
                self._memory.words[ControlWord.TAKEN] = number
                return frame
        self._memory.words[ControlWord.HELD] = 0
        return None

    def _hold(self, number: int) -> RingFrame | None:
        """Frame `number`, held from now on; None where the writer may have chosen its slot before it could know."""
        slots = self._memory.slots
        slot = next((slot for slot in range(NUM_SLOTS) if slots[slot][SlotWord.NUMBER] == number), None)
        if slot is None:
            return None
        self._memory.words[ControlWord.HELD] = slot + 1
        self._clear_event()  # the system call is a memory barrier between what is held and the look below
        if self.get(ControlWord.WRITTEN) > number + NUM_SLOTS - 3:
            return None
        words = slots[slot]
        media_us = int(words[SlotWord.MEDIA_US])
        media_s = None if media_us == _NO_MEDIA_TIME else media_us / 1e6
        pixels = self._memory.frame(slot)
        if pixels is None:
            return None
        return RingFrame(
            number, HeldPixels(pixels), int(words[SlotWord.CAPTURED_NS]), int(words[SlotWord.MONO_NS]), media_s
        )
