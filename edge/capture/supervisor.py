"""Keeps one capture process alive: starts it, kills it when it hangs, restarts it; and judges the camera's health.

Works on its own thread, whether or not anyone reads frames. The process itself is in `child`, the words in `health`.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import logging
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

from edge import disclosure
from edge.capture import orders
from edge.capture.address import parse_source
from edge.capture.health import BAD_STATES, CaptureReport, HealthLimits, is_hung, seen_as, state_of
from edge.capture.ring import ControlWord, Phase, RingReader, Sight
from edge.config import CameraConfig
from edge.records import CameraHealth, CameraState

TICK_S = 0.1
SILENCE_S = 0.3
"""Seconds without progress from which on it is asked whether the child gets a processor at all."""
FIRST_WAIT_S = 0.5
LONGEST_WAIT_S = 4.0
_STEADY_AFTER_S = 5.0
_TERMINATE_WAIT_S = 1.0
_KILL_WAIT_S = 2.0
# The child finds this very package, also where the service was started from another folder.
_PYTHON_PATH = os.pathsep.join(filter(None, [str(Path(__file__).resolve().parents[2]), os.environ.get("PYTHONPATH")]))
_ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
"""Nothing here multiplies matrices: without this each child would hold idle threads, one for each core."""
_starts = threading.BoundedSemaphore(max(2, os.cpu_count() or 1))
"""Children that may be starting at once: sixteen that load their libraries together all take longer than they may."""

log = logging.getLogger("edge.capture")


class Supervisor:
    """Owns the child. `run` is the body of its thread; `health` may be asked from any thread."""

    def __init__(self, camera: CameraConfig, ring: RingReader, limits: HealthLimits) -> None:
        self._camera = camera
        self._shown = parse_source(camera).shown
        self._ring = ring
        self._limits = limits
        self._child: subprocess.Popen[bytes] | None = None
        self._next: CameraConfig | None = None
        self._started_s = 0.0
        self._start_at_s = 0.0
        self._why = ""
        self._failures = 0
        self._is_in_turn = False
        self._silent_since_ns, self._waited_before_s = 0, 0.0
        self.restarts = 0
        self.bad_frames = 0
        now = dt.datetime.now(dt.UTC)
        self.health = CameraHealth(camera.name, CameraState.STARTING, now, f"{self._shown}: is being opened", 0, 0)

    @property
    def child_pid(self) -> int | None:
        """Process id of the running child."""
        child = self._child
        return child.pid if child is not None else None

    @property
    def is_changing(self) -> bool:
        """Whether the child still plays with former settings; what it writes must not be read."""
        return self._next is not None

    def change(self, camera: CameraConfig) -> None:
        """Start the child anew with other settings of the same source; any thread may call, and nobody waits."""
        self._next = camera

    def run(self, stop: threading.Event) -> None:
        """Supervise until `stop` is set, then end the child. The child dies with this thread, whatever happens."""
        try:
            while not stop.is_set():
                self._tick()
                stop.wait(TICK_S)
        finally:
            self._end_child()
            self._end_turn()

    def _tick(self) -> None:
        now_s = time.monotonic()
        if self._next is not None and self._end_child():
            self._take(self._next, now_s)
        if self._child is None:
            is_due = self._ring.get(ControlWord.PHASE) != Phase.ENDED and now_s >= self._start_at_s
            if is_due and self._begin_turn():
                self._start_child(now_s)
        elif (code := self._child.poll()) is not None:
            self._child = None
            if self._ring.get(ControlWord.PHASE) != Phase.ENDED:
                self._fail(now_s, self._ring.text() or f"{self._shown}: capture ended by itself with code {code}")
        elif is_hung(self._report(), self._limits):
            why = (
                "gives no frames"
                if self._ring.get(ControlWord.PHASE) == Phase.STREAMING
                else "can't be opened, it hangs"
            )
            if self._kill_child():
                self._fail(now_s, f"{self._shown}: {why}; check its power and cable")
            else:
                self._failures += 1
                self._why = f"{self._shown}: its driver hangs and can't be stopped; restart this box"
        elif (self._failures or self._why) and self._is_steady(now_s):
            self._failures = 0
            self._why = ""
        if self._child is None or self._ring.get(ControlWord.PHASE) != Phase.STARTING:
            self._end_turn()
        self._update_health()

    def _begin_turn(self) -> bool:
        """Whether this child may start now; those of other cameras that are just starting go first."""
        self._is_in_turn = self._is_in_turn or _starts.acquire(blocking=False)
        return self._is_in_turn

    def _end_turn(self) -> None:
        if self._is_in_turn:
            self._is_in_turn = False
            _starts.release()

    def _take(self, camera: CameraConfig, now_s: float) -> None:
        """Go on with other settings, once no child is left that could write frames with the former ones."""
        self._ring.skip()
        # Only now: `change` may have been called once more, with still other settings.
        if self._next is camera:
            self._next = None
        self._camera = camera
        if self._started_s:
            self._why, self._started_s, self._start_at_s = f"{self._shown}: its masks were changed", 0.0, now_s

    def _is_steady(self, now_s: float) -> bool:
        return self._ring.get(ControlWord.PHASE) == Phase.STREAMING and now_s - self._started_s > _STEADY_AFTER_S

    def _fail(self, now_s: float, why: str) -> None:
        self._failures += 1
        self._why = why
        self._start_at_s = now_s + min(LONGEST_WAIT_S, FIRST_WAIT_S * 2 ** (self._failures - 1))

    def _start_child(self, now_s: float) -> None:
        if self._started_s:
            self.restarts += 1
        self._started_s = now_s
        self._ring.reset()
        memory_fd, event_fd = self._ring.fds
        told = orders.written(self._camera, memory_fd, event_fd, os.getpid())
        try:
            self._child = subprocess.Popen(
                [sys.executable, "-m", "edge.capture.child"],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                pass_fds=(memory_fd, event_fd),
                env={**os.environ, "PYTHONPATH": _PYTHON_PATH, **_ONE_THREAD},
            )
        except OSError as error:
            self._fail(now_s, f"{self._shown}: no capture process can be started ({error.strerror}); restart this box")
            return
        assert self._child.stdin is not None
        with contextlib.suppress(BrokenPipeError), self._child.stdin as stdin:
            stdin.write(told)

    def _end_child(self) -> bool:
        """Ask it to end, so that it closes its device; kill it if it doesn't. False when even that doesn't end it."""
        if self._child is None:
            return True
        self._child.terminate()
        try:
            self._child.wait(_TERMINATE_WAIT_S)
        except subprocess.TimeoutExpired:
            return self._kill_child()
        self._child = None
        return True

    def _kill_child(self) -> bool:
        """Kill; False when even that doesn't end it, as with a driver that hangs in the kernel."""
        assert self._child is not None
        self._child.kill()
        try:
            self._child.wait(_KILL_WAIT_S)
        except subprocess.TimeoutExpired:
            return False
        self._child = None
        return True

    def _beat_age_s(self) -> float:
        """Seconds since the child's last sign of progress, without those in which it only waited for a processor."""
        beat_ns = self._ring.get(ControlWord.BEAT_NS)
        age_s = (time.monotonic_ns() - beat_ns) / 1e9
        if age_s < SILENCE_S or self._child is None:
            return age_s
        waited_s = waited_for_processor_s(self._child.pid)
        if beat_ns != self._silent_since_ns:
            self._silent_since_ns, self._waited_before_s = beat_ns, waited_s
        return age_s - min(max(waited_s - self._waited_before_s, 0.0), age_s)

    def _report(self) -> CaptureReport:
        ring = self._ring
        frame_ns, dark_ns = ring.get(ControlWord.FRAME_NS), ring.get(ControlWord.DARK_SINCE_NS)
        unchanged_ns, sight = ring.get(ControlWord.UNCHANGED_SINCE_NS), Sight(ring.get(ControlWord.SIGHT))
        return CaptureReport(
            phase=Phase(ring.get(ControlWord.PHASE)),
            beat_age_s=self._beat_age_s(),
            has_had_frames=ring.get(ControlWord.WRITTEN) > 0,
            unchanged_s=(frame_ns - unchanged_ns) / 1e9 if unchanged_ns else 0.0,
            dark_s=(frame_ns - dark_ns) / 1e9 if dark_ns else 0.0,
            text=ring.text(),
            why=self._why,
            failures=self._failures,
            is_running=self._child is not None,
            sight=seen_as(sight),
            is_looped=sight is Sight.LOOPED,
            silence_s=ring.get(ControlWord.SILENCE_MS) / 1e3,
        )

    def _update_health(self) -> None:
        """Keep the time of the last change of state; log a failure once when it starts and once when it ends."""
        old = self.health
        self.bad_frames = self._ring.get(ControlWord.BAD_FRAMES)
        state, detail = state_of(self._report(), self._limits, self._shown)
        detail = disclosure.hide(detail)
        since = old.since if state == old.state else dt.datetime.now(dt.UTC)
        self.health = dataclasses.replace(
            old,
            state=state,
            since=since,
            detail=detail,
            frames=self._ring.get(ControlWord.WRITTEN),
            restarts=self.restarts,
        )
        if state == old.state:
            return
        if state in BAD_STATES and old.state not in BAD_STATES:
            log.warning("camera %s is %s: %s", old.camera, state, detail)
        elif state not in BAD_STATES and old.state in BAD_STATES:
            log.warning("camera %s is %s again after %.1f s", old.camera, state, (since - old.since).total_seconds())
        else:
            log.info("camera %s is %s: %s", old.camera, state, detail)


def waited_for_processor_s(pid: int) -> float:
    """Seconds for which a process was ready to run, and others had the processors; 0 where the kernel doesn't tell."""
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text("ascii").split()[1]) / 1e9
    except (OSError, ValueError, IndexError):
        return 0.0
