"""RTSP streams through OpenCV's FFmpeg, with time limits on opening and reading, read from the newest frame on.

Freshness is judged by presentation times here and by our own monotonic clock in the parent: OpenCV goes on saying True
with old pictures for a while after a server has gone, and its capture never recovers. So any doubt ends the source.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from types import TracebackType
from urllib.parse import urlsplit

import cv2
import numpy as np

from edge.arrays import MAX_PIXELS
from edge.capture.address import Address
from edge.capture.frames import SourceFrame
from edge.capture.lag import Lag
from edge.errors import CameraError, ImageError

OPEN_TIMEOUT_MS = 4000
READ_TIMEOUT_MS = 2000
DECODER_THREADS = 2
"""Each further decoder thread delays the picture by one frame."""
MAX_REPEATS = 25
MAX_BEHIND_S = 2.0
"""As old as a live picture may be; a stream further behind is opened anew, which drops what waits."""

# `timeout` is in microseconds; FFmpeg ignores the older name `stimeout` without a word. A short `analyzeduration`
# opens a stream in 0.3 s instead of 5 s.
_FFMPEG_OPTIONS = f"rtsp_transport;tcp|timeout;{OPEN_TIMEOUT_MS * 1000}|analyzeduration;200000|fflags;nobuffer"
_MAX_BACKLOG = 250
_BACKLOG_LIMIT_S = 2.0


class RtspSource:
    """A live RTSP stream."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self.problem: str | None = None
        self.bad_frames = 0
        self._video: cv2.VideoCapture | None = None

    def __enter__(self) -> RtspSource:
        require_reachable(self.address, default_port=322 if self.address.scheme == "rtsps" else 554)
        os.environ["OPENCV_FFMPEG_CAPTURE_OPTIONS"] = _FFMPEG_OPTIONS
        options = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, OPEN_TIMEOUT_MS, cv2.CAP_PROP_READ_TIMEOUT_MSEC, READ_TIMEOUT_MS]
        options += [cv2.CAP_PROP_N_THREADS, DECODER_THREADS]
        try:
            self._video = cv2.VideoCapture(self.address.target, cv2.CAP_FFMPEG, options)
        finally:
            del os.environ["OPENCV_FFMPEG_CAPTURE_OPTIONS"]
        if not self._video.isOpened():
            raise CameraError(
                f"{self.address.shown}: the camera answers but gives no stream; check the path, user name and password"
            )
        width, height = self._video.get(cv2.CAP_PROP_FRAME_WIDTH), self._video.get(cv2.CAP_PROP_FRAME_HEIGHT)
        if width * height > MAX_PIXELS:
            raise ImageError(f"{self.address.shown}: {width:.0f} x {height:.0f} pixels are more than {MAX_PIXELS}")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._video is not None:
            self._video.release()
            self._video = None

    def frames(self) -> Iterator[SourceFrame]:
        """Frames as they come; raises CameraError when none comes in time or old ones repeat."""
        assert self._video is not None, "enter the source first"
        drop_backlog(self._video)
        last_ms, repeats, lag, on_time_s = -1.0, 0, Lag(), time.monotonic()
        while True:
            before_s = time.monotonic()
            is_read, image = self._video.read()
            # A read that ran into its limit may still say True, with a frame the decoder had held back.
            if not is_read or time.monotonic() - before_s > 0.9 * READ_TIMEOUT_MS / 1000:
                raise CameraError(f"{self.address.shown}: the stream stopped; check the camera's power and network")
            at_ms = self._video.get(cv2.CAP_PROP_POS_MSEC)
            repeats = repeats + 1 if at_ms == last_ms and at_ms > 0 else 0
            last_ms = at_ms
            if repeats > MAX_REPEATS:
                raise CameraError(
                    f"{self.address.shown}: the stream repeats one old picture; check the camera's network"
                )
            now_s = time.monotonic()
            behind_s = lag.behind_s(at_ms / 1000, now_s) if at_ms > 0 else 0.0
            on_time_s = now_s if behind_s < MAX_BEHIND_S else on_time_s
            if now_s - on_time_s > MAX_BEHIND_S:  # only a lasting lag counts: short ones are caught up
                raise CameraError(
                    f"{self.address.shown}: pictures come {behind_s:.0f} s late, as this box decodes them more slowly "
                    "than the camera films; let the camera send smaller or fewer pictures"
                )
            if repeats == 0:
                yield SourceFrame(np.ascontiguousarray(image, dtype=np.uint8), None)


def drop_backlog(video: cv2.VideoCapture) -> None:
    """Discard what was buffered while the stream was opened: frames that come faster than they are filmed."""
    fps = video.get(cv2.CAP_PROP_FPS)
    is_waiting_s = 0.5 / (fps if 1 < fps <= 240 else 25.0)
    end = time.monotonic() + _BACKLOG_LIMIT_S
    for _ in range(_MAX_BACKLOG):
        before = time.monotonic()
        if not video.grab() or time.monotonic() - before > is_waiting_s or time.monotonic() > end:
            return


def require_reachable(address: Address, default_port: int) -> None:
    """Raise a CameraError that says why the host can't be reached; FFmpeg itself wouldn't say."""
    parts = urlsplit(address.target)
    host, port = parts.hostname or "", parts.port or default_port
    try:
        socket.create_connection((host, port), timeout=OPEN_TIMEOUT_MS / 1000).close()
    except socket.gaierror:
        raise CameraError(f"{address.shown}: no host is known by the name {host!r}; check the address") from None
    except TimeoutError:
        raise CameraError(f"{address.shown}: {host} does not answer; check the camera's power and network") from None
    except OSError as error:
        why = f"{host} port {port} can't be reached ({error.strerror})"
        raise CameraError(f"{address.shown}: {why}; check that the camera is on, and the port") from None
