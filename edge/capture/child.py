"""The capture process of one camera: opens the source, paints the masks, writes frames into the ring, tries again.

Run as `python -m edge.capture.child` with its orders as JSON on standard input (a source may hold a password, and
arguments can be read by anyone). It must import nothing heavy, look at nothing in a frame but brightness and change,
and die with its parent.
"""

from __future__ import annotations

import ctypes
import faulthandler
import os
import signal
import sys
import time
from types import FrameType
from typing import NoReturn

from edge.capture.address import parse_source
from edge.capture.frames import FrameSource, SourceFrame
from edge.capture.freeze import PixelWatch
from edge.capture.masks import paint_masks
from edge.capture.orders import Orders
from edge.capture.pacing import Pacer
from edge.capture.ring import Phase, RingWriter, Word
from edge.capture.sources import open_source
from edge.errors import EdgeError, ExitCode, ImageError

MAX_TRIES = 20
FIRST_WAIT_S = 0.5
LONGEST_WAIT_S = 3.0
_BEAT_EVERY_S = 0.2
_TAKEN_EVERY_S = 0.002
_PR_SET_PDEATHSIG = 1


class Player:
    """Plays one camera into the ring until it ends or can't be opened any more."""

    def __init__(self, orders: Orders, ring: RingWriter) -> None:
        self._camera = orders.camera
        self._ring = ring
        self._is_recorded = parse_source(orders.camera).is_recorded
        self._watch = PixelWatch(orders.camera.masks)
        self._pacer = Pacer()
        self._num_played = 0

    def run(self) -> ExitCode:
        """Open and play; after a failure wait longer each time, and give up after `MAX_TRIES` without a frame."""
        tries, why = 0, ""
        while True:
            self._ring.enter(Phase.OPENING, why)
            played_before = self._num_played
            try:
                with open_source(self._camera) as source:
                    self._play(source)
                    return ExitCode.OK
            except EdgeError as error:
                tries = 1 if self._num_played > played_before else tries + 1
                why = str(error)
                self._ring.enter(Phase.WAITING, why)
                if tries >= MAX_TRIES:
                    return error.exit_code
            self._wait_until(time.monotonic() + min(LONGEST_WAIT_S, FIRST_WAIT_S * 2 ** (tries - 1)))

    def _play(self, source: FrameSource) -> None:
        """Play to the end, over and over where the camera says so."""
        self._pacer, self._watch = Pacer(), PixelWatch(self._camera.masks)
        bad_before = self._ring.get(Word.BAD_FRAMES)
        is_first = True
        while True:
            played_before = self._num_played
            try:
                for frame in source.frames():
                    if is_first:
                        self._ring.enter(Phase.STREAMING)
                        is_first = False
                    self._show(frame)
                    self._ring.put(Word.BAD_FRAMES, bad_before + source.bad_frames)
            finally:
                self._ring.put(Word.BAD_FRAMES, bad_before + source.bad_frames)
            if self._num_played == played_before:
                raise ImageError(f"{parse_source(self._camera).shown}: holds no frame; give another file")
            if not self._camera.loop:
                self._ring.enter(Phase.ENDED, source.problem or f"played to its end, {self._num_played} frames")
                return
            if source.problem:
                self._ring.enter(Phase.STREAMING, source.problem)

    def _show(self, frame: SourceFrame) -> None:
        """Wait until the frame is due, mask it, publish it."""
        paint_masks(frame.image, self._camera.masks)
        if frame.media_s is not None and self._is_recorded:
            if self._camera.realtime:
                self._wait_until(self._pacer.due_s(frame.media_s, time.monotonic()))
            else:
                self._wait_for_reader()
        captured_ns, mono_ns = time.time_ns(), time.monotonic_ns()
        self._watch.look(frame.image, mono_ns)
        self._ring.put(Word.UNCHANGED_SINCE_NS, self._watch.unchanged_since_ns)
        self._ring.put(Word.DARK_SINCE_NS, self._watch.dark_since_ns)
        self._ring.write(frame.image, captured_ns, mono_ns, frame.media_s)
        self._num_played += 1
        self._ring.beat()

    def _wait_until(self, due_s: float) -> None:
        while (left_s := due_s - time.monotonic()) > 0:
            self._ring.beat()
            time.sleep(min(left_s, _BEAT_EVERY_S))

    def _wait_for_reader(self) -> None:
        """A recording that is not played in real time goes as fast as it is read, and none of its frames is dropped."""
        while self._ring.get(Word.TAKEN) < self._ring.get(Word.WRITTEN):
            self._ring.beat()
            time.sleep(_TAKEN_EVERY_S)


def _die_with_parent(parent_pid: int) -> None:
    """Ask the kernel for SIGKILL when the parent goes; look once whether it went before we asked."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent_pid:
        sys.exit(ExitCode.UNAVAILABLE)


def _silence_libraries() -> None:
    """Keep our own standard error, take it from the libraries: libjpeg writes a line for each broken picture."""
    ours = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    os.close(nowhere)
    sys.stderr = open(ours, "w", buffering=1)  # noqa: SIM115, PTH123  (stays open as long as we run)
    faulthandler.enable(sys.stderr)


def _on_terminate(number: int, frame: FrameType | None) -> NoReturn:
    """Unwind, so that a source may close its device."""
    sys.exit(0)


def main() -> int:
    """Read the orders and play; the exit code says why it ended."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C reaches the whole group; the parent decides
    signal.signal(signal.SIGTERM, _on_terminate)
    orders = Orders.model_validate_json(sys.stdin.read())
    _die_with_parent(orders.parent_pid)
    _silence_libraries()
    return Player(orders, RingWriter(orders.memory_fd, orders.event_fd)).run()


if __name__ == "__main__":
    sys.exit(main())
