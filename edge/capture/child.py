"""The capture process of one camera: opens the source, paints the masks, writes frames into the ring, tries again.

Run as `python -m edge.capture.child` with its settings as JSON on standard input (a source may hold a password, and
arguments can be read by anyone). It must import nothing heavy, look at nothing in a frame but light, structure and
change, and die with its parent.
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

import cv2

from edge import disclosure, heaps
from edge.capture.address import parse_source
from edge.capture.condition.freeze import FreezeDetector
from edge.capture.condition.sight import SceneWatch
from edge.capture.frames import FrameSource, SourceFrame
from edge.capture.masks import paint_masks
from edge.capture.orders import ChildSettings
from edge.capture.pacing import Pacer
from edge.capture.ring import ControlWord, Phase, RingWriter, Sight
from edge.capture.sources import open_source
from edge.errors import EdgeError, ExitCode, ImageError
from edge.glance import Glance

MAX_TRIES = 20
FIRST_WAIT_S = 0.5
LONGEST_WAIT_S = 3.0
NICE = 5
"""Where there is too little processor for all, frames are rather looked at than decoded to be dropped."""
_BEAT_EVERY_S = 0.2
_READER_POLL_S = 0.002
_GIVE_BACK_FIRST_S, _GIVE_BACK_EVERY_S = 5.0, 60.0
"""When memory that opening took for a moment goes back to the system: 3 ms each time."""
_PR_SET_PDEATHSIG = 1


class Playback:
    """Plays one camera into the ring until it ends or can't be opened any more."""

    def __init__(self, settings: ChildSettings, ring: RingWriter) -> None:
        self._camera = settings.camera
        self._ring = ring
        self._is_recorded = parse_source(settings.camera).is_recorded
        self._freeze = FreezeDetector(settings.camera.masks, settings.camera.mask_polygons)
        # Kept while the source is opened again: a camera that was turned meanwhile must not learn the new view.
        self._scene = SceneWatch(settings.camera.masks, settings.camera.mask_polygons)
        self._pacer = Pacer()
        self._num_played = 0
        self._give_back_s = time.monotonic() + _GIVE_BACK_FIRST_S

    def run(self) -> ExitCode:
        """Open and play; after a failure wait longer each time, and give up after `MAX_TRIES` without a frame."""
        tries, why = 0, ""
        while True:
            self._ring.set_phase(Phase.OPENING, why)
            played_before = self._num_played
            try:
                with open_source(self._camera, self._beat) as source:
                    self._play(source)
                    return ExitCode.OK
            except EdgeError as error:
                tries = 1 if self._num_played > played_before else tries + 1
                why = disclosure.hide(str(error))
                self._ring.set_phase(Phase.WAITING, why)
                if tries >= MAX_TRIES:
                    return error.exit_code
            self._wait_until(time.monotonic() + min(LONGEST_WAIT_S, FIRST_WAIT_S * 2 ** (tries - 1)))

    def _beat(self, silence_s: float) -> None:
        self._ring.put(ControlWord.SILENCE_MS, round(silence_s * 1e3))
        self._ring.report_progress()

    def _play(self, source: FrameSource) -> None:
        """Play to the end; with `loop`, again and again."""
        self._pacer, self._freeze = Pacer(), FreezeDetector(self._camera.masks, self._camera.mask_polygons)
        bad_before = self._ring.get(ControlWord.BAD_FRAMES)
        is_first = True
        while True:
            played_before = self._num_played
            if self._is_recorded:
                self._scene.begin_pass(time.monotonic())
            try:
                for frame in source.frames():
                    if is_first:
                        self._ring.set_phase(Phase.STREAMING)
                        is_first = False
                    self._publish(frame)
                    self._ring.put(ControlWord.BAD_FRAMES, bad_before + source.bad_frames)
            finally:
                self._ring.put(ControlWord.BAD_FRAMES, bad_before + source.bad_frames)
            if self._num_played == played_before:
                raise ImageError(f"{parse_source(self._camera).shown}: holds no frame; give another file")
            if not self._camera.loop:
                self._ring.set_phase(
                    Phase.ENDED,
                    disclosure.hide(source.problem or "") or f"played to its end, {self._num_played} frames",
                )
                return
            if source.problem:
                self._ring.set_phase(Phase.STREAMING, disclosure.hide(source.problem))

    def _publish(self, frame: SourceFrame) -> None:
        """Wait until the frame is due, mask it, publish it: as the decoder gave it, where nothing is painted."""
        is_masked = bool(self._camera.masks or self._camera.mask_polygons)
        if is_masked:
            paint_masks(frame.image, self._camera.masks, self._camera.mask_polygons)
        planes = None if is_masked else frame.planes
        if frame.media_s is not None and self._is_recorded:
            if self._camera.realtime:
                self._wait_until(self._pacer.due_s(frame.media_s, time.monotonic()))
            else:
                self._wait_for_reader()
        captured_ns, mono_ns = time.time_ns(), time.monotonic_ns()
        glance = Glance(frame.image) if planes is None else planes.glance
        self._freeze.look(glance, mono_ns)
        self._ring.put(ControlWord.UNCHANGED_SINCE_NS, self._freeze.unchanged_since_ns)
        self._ring.put(ControlWord.DARK_SINCE_NS, self._freeze.dark_since_ns)
        if self._camera.realtime:
            self._scene.note(glance, mono_ns / 1e9)
        if self._camera.realtime and self._scene.is_due(mono_ns / 1e9):
            self._scene.look(frame.image, mono_ns / 1e9)
            self._ring.put(ControlWord.SIGHT, sight_of(self._scene))
        self._ring.write(frame.image if planes is None else planes, captured_ns, mono_ns, frame.media_s)
        self._num_played += 1
        self._ring.report_progress()
        if mono_ns / 1e9 > self._give_back_s:
            self._give_back_s = mono_ns / 1e9 + _GIVE_BACK_EVERY_S
            heaps.give_back()

    def _wait_until(self, due_s: float) -> None:
        while (left_s := due_s - time.monotonic()) > 0:
            self._ring.report_progress()
            time.sleep(min(left_s, _BEAT_EVERY_S))

    def _wait_for_reader(self) -> None:
        """Wait until the last frame was read: a recording not played in real time loses no frame."""
        while self._ring.get(ControlWord.TAKEN) < self._ring.get(ControlWord.WRITTEN):
            self._ring.report_progress()
            time.sleep(_READER_POLL_S)


def sight_of(scene: SceneWatch) -> Sight:
    """What the ring says of the scene."""
    if scene.is_looped:
        return Sight.LOOPED
    return Sight.CLEAR if scene.state is None else Sight[scene.state.name]


def _die_with_parent(parent_pid: int) -> None:
    """Ask the kernel for SIGKILL when the parent ends; check once whether it ended before that."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent_pid:
        sys.exit(ExitCode.UNAVAILABLE)


def _silence_libraries() -> None:
    """Keep standard error for us and close it to libraries: libjpeg writes a line for each broken picture."""
    ours = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    os.close(nowhere)
    sys.stderr = open(ours, "w", buffering=1)  # noqa: SIM115, PTH123  (stays open as long as we run)
    faulthandler.enable(sys.stderr)


def _on_terminate(number: int, frame: FrameType | None) -> NoReturn:
    """Raise, so that the source closes its device."""
    sys.exit(0)


def main() -> int:
    """Read the settings and play; the exit code says why it ended."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C reaches the whole process group; the parent ends us
    signal.signal(signal.SIGTERM, _on_terminate)
    heaps.keep_few(1)
    cv2.setNumThreads(1)  # cameras run beside each other; threads within one take memory and save nothing
    disclosure.guard_tracebacks()
    settings = ChildSettings.read(sys.stdin.read())
    _die_with_parent(settings.parent_pid)
    os.nice(NICE)
    _silence_libraries()
    return Playback(settings, RingWriter(settings.memory_fd, settings.event_fd)).run()


if __name__ == "__main__":
    sys.exit(main())
