"""Reads raw pictures of one fixed size from a GStreamer process of the system, through a pipe.

PyPI's OpenCV is built without GStreamer, so the system's own is run. The caller (`csi`) passes the elements that make
the pictures, and explains their messages.

The pipe can't tell where a picture begins, so the pipeline ends in a filter that allows one size only, and a process
that dies or falls silent is never read on from: the source ends, and the next one starts with a new process.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.capture.frames import SourceFrame
from edge.errors import CameraError

PROGRAM = "gst-launch-1.0"
FIRST_FRAME_S = 8.0
"""Longest wait for the first picture: sensor, daemon and plugin registry may have to start."""
READ_TIMEOUT_S = 2.0
_STOP_WAIT_S = 0.6
_LAST_WAIT_S = 1.0
_MAX_PIPE_BYTES = 1 << 20
_KEPT_TEXT_BYTES = 4096


def command(elements: Sequence[str], width: int, height: int, fd: int) -> list[str]:
    """Arguments of the process: `elements`, then one size of BGRx, the newest picture only, to descriptor `fd`.

    The process dies with the one that starts it: a camera that is still held by an orphan can't be opened again.
    """
    only = f"video/x-raw,format=BGRx,width={width},height={height}"
    newest = ["queue", "max-size-buffers=1", "max-size-bytes=0", "max-size-time=0", "leaky=downstream"]
    sink = ["fdsink", f"fd={fd}", "sync=false"]
    return ["setpriv", "--pdeathsig", "KILL", PROGRAM, "--quiet", *elements, "!", only, "!", *newest, "!", *sink]


class GStreamerSource:
    """A live camera whose pictures `elements` make; `explain` turns what the process wrote into a sentence or None."""

    def __init__(
        self,
        shown: str,
        elements: Sequence[str],
        size: tuple[int, int],
        fps: float,
        explain: Callable[[str], str | None] = lambda text: None,
    ) -> None:
        self.shown = shown
        self.elements = elements
        self.width, self.height = size
        self.problem: str | None = None
        self.bad_frames = 0
        self._explain = explain
        self._limit_s = max(READ_TIMEOUT_S, 3 / fps)
        self._process: subprocess.Popen[bytes] | None = None
        self._frame_fd = self._text_fd = -1
        self._text = b""

    def __enter__(self) -> GStreamerSource:
        for program, package in ((PROGRAM, "gstreamer1.0-tools"), ("setpriv", "util-linux")):
            if shutil.which(program) is None:
                raise CameraError(f"{self.shown}: {program} is not on this box; install {package}")
        self._frame_fd, frame_end = os.pipe()
        self._text_fd, text_end = os.pipe()
        fcntl.fcntl(self._frame_fd, fcntl.F_SETPIPE_SZ, min(_MAX_PIPE_BYTES, self.width * self.height * 4))
        os.set_blocking(self._frame_fd, False)
        os.set_blocking(self._text_fd, False)
        try:
            self._process = subprocess.Popen(
                command(self.elements, self.width, self.height, frame_end),
                stdin=subprocess.DEVNULL,
                stdout=text_end,
                stderr=text_end,
                pass_fds=(frame_end,),
                env=environment(os.environ),
            )
        except OSError as error:
            self._close()
            raise CameraError(
                f"{self.shown}: GStreamer can't be started ({error.strerror}); restart this box"
            ) from None
        finally:
            os.close(frame_end)
            os.close(text_end)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def frames(self) -> Iterator[SourceFrame]:
        """Frames as they come; raises CameraError when the process dies or no whole picture comes in time."""
        picture = np.empty((self.height, self.width, 4), np.uint8)
        limit_s = FIRST_FRAME_S
        while True:
            self._fill(picture, limit_s)
            limit_s = self._limit_s
            image: NDArray[np.uint8] = np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGRA2BGR), np.uint8)
            yield SourceFrame(image, None)

    def _fill(self, picture: NDArray[np.uint8], limit_s: float) -> None:
        """Read one whole picture, and the messages that arrive meanwhile."""
        left = picture.data.cast("B")
        poll = select.poll()
        poll.register(self._frame_fd, select.POLLIN)
        poll.register(self._text_fd, select.POLLIN)
        deadline = time.monotonic() + limit_s
        while left:
            ready = [fd for fd, _ in poll.poll(max(0.0, deadline - time.monotonic()) * 1000)]
            if self._text_fd in ready and not self._read_text():
                poll.unregister(self._text_fd)
            if self._frame_fd in ready:
                count = os.readv(self._frame_fd, [left])
                if count == 0:
                    self.bad_frames += len(left) < picture.nbytes
                    raise CameraError(self._error_message("GStreamer ended"))
                left = left[count:]
            if left and time.monotonic() >= deadline:
                raise CameraError(self._error_message(f"no picture came for {limit_s:g} s"))

    def _read_text(self) -> bool:
        """Keep the end of the process's messages; False once there will be no more."""
        try:
            data = os.read(self._text_fd, 65536)
        except BlockingIOError:
            return True
        self._text = (self._text + data)[-_KEPT_TEXT_BYTES:]
        return bool(data)

    def _error_message(self, what: str) -> str:
        """One sentence: what happened, what GStreamer says of it, what to do."""
        end = time.monotonic() + _LAST_WAIT_S
        poll = select.poll()
        poll.register(self._text_fd, select.POLLIN)
        while poll.poll(100) and time.monotonic() < end and self._read_text():
            pass
        text = self._text.decode(errors="replace")
        known = self._explain(text)
        if known is not None:
            return f"{self.shown}: {known}"
        said = f" and says: {found}" if (found := first_error(text)) else ""
        return f"{self.shown}: {what}{said}; check the camera's cable and settings"

    def _close(self) -> None:
        """Let the process release its camera, and kill it if it takes too long."""
        process = self._process
        if process is not None and process.poll() is None:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(_STOP_WAIT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                with contextlib.suppress(subprocess.TimeoutExpired):  # a driver that hangs in the kernel
                    process.wait(_LAST_WAIT_S)
        self._process = None
        for fd in (self._frame_fd, self._text_fd):
            if fd >= 0:
                os.close(fd)
        self._frame_fd = self._text_fd = -1


def environment(ours: os._Environ[str] | dict[str, str]) -> dict[str, str]:
    """The process's environment: messages in English, and a register of plugins that outlives it under systemd."""
    theirs = {**ours, "LC_ALL": "C", "GST_DEBUG_NO_COLOR": "1"}
    if "CACHE_DIRECTORY" in ours:
        theirs.setdefault("XDG_CACHE_HOME", ours["CACHE_DIRECTORY"].split(":")[0])
    return theirs


def first_error(text: str) -> str:
    """The first line in which GStreamer or a plugin reports an error, shortened; empty where there is none."""
    for line in text.splitlines():
        if "error" in line.lower() or "no element" in line.lower():
            return line.strip()[:200].rstrip(".")
    return ""
