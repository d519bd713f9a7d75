"""RTSP streams through FFmpeg, with limits on opening and silence that follow the stream's own rate.

Whoever may send one picture in 3 s or a keyframe every 10 s is waited for: `beat` tells the parent, which holds every
source against its own clock. Any doubt ends the source, and the next one opens the stream anew.
"""

from __future__ import annotations

import socket
import time
from collections import deque
from collections.abc import Callable, Iterator
from types import TracebackType
from urllib.parse import urlsplit

import av
from av.container import InputContainer
from av.error import FFmpegError, HTTPOtherClientError
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from edge.arrays import MAX_PIXELS
from edge.capture.address import Address
from edge.capture.frames import SourceFrame
from edge.capture.network.freshness import Freshness
from edge.capture.network.refusals import explain, is_timeout
from edge.capture.orders import CameraSettings
from edge.capture.video.facts import StreamFacts, StreamWatch
from edge.capture.video.shaping import FAULTS, DecodedPicture, Shaper, aspect_of
from edge.errors import CameraError, ImageError

FIRST_SILENCE_S = 10.0
"""Seconds that a stream of unknown rate may be silent."""
LONGEST_READ_S = 30.0
KEYFRAME_WAIT_S = 60.0
"""Longest wait for a picture while data come: after joining midway, nothing can be decoded before a keyframe."""
INTERVALS = 3.0
"""So many of its own intervals a stream may be silent."""
DECODER_THREADS = 2
FAST_FPS = 10.0
"""From this rate on decoding has several threads. Each delays the picture by one frame, so slow streams have one."""
NO_VIDEO = "the camera sends no video; check the path, or switch its video on"
_PAUSE_S = 0.5
"""Servers take a moment to end the session that they refused."""
_PROTOCOLS = "rtsp,rtp,tcp,udp,tls"
_TRANSPORTS = {
    "auto": {"rtsp_transport": "udp+tcp", "rtsp_flags": "prefer_tcp"},
    "tcp": {"rtsp_transport": "tcp"},
    "udp": {"rtsp_transport": "udp"},
}


class Rhythm:
    """How long a stream may be silent: some of its own intervals, by its times and by ours."""

    def __init__(self, stated_fps: float | None, least_s: float) -> None:
        self._least_s = least_s
        self._stated_s = 1 / stated_fps if stated_fps and 0.05 <= stated_fps <= 240 else 0.0
        self._gaps_s: deque[float] = deque(maxlen=5)
        self._last: tuple[float | None, float] | None = None

    def picture(self, at_s: float | None, now_s: float) -> None:
        """Take in a picture's time in the stream, if it has one, and the time it came."""
        if self._last is not None:
            last_at_s, last_now_s = self._last
            by_stream = at_s - last_at_s if at_s is not None and last_at_s is not None else 0.0
            self._gaps_s.append(max(now_s - last_now_s, by_stream if by_stream < KEYFRAME_WAIT_S else 0.0))
        self._last = (at_s, now_s)

    @property
    def silence_s(self) -> float:
        """Seconds without a picture that are no fault."""
        if not self._gaps_s:
            return max(self._least_s, FIRST_SILENCE_S, INTERVALS * self._stated_s)
        return max(self._least_s, INTERVALS * max(self._gaps_s))


class RtspSource:
    """A live RTSP stream."""

    def __init__(self, address: Address, camera: CameraSettings, beat: Callable[[float], None]) -> None:
        self.address = address
        self.problem: str | None = None
        self.bad_frames = 0
        self._camera = camera
        self._beat = beat
        self._container: InputContainer | None = None
        self._watch: StreamWatch | None = None
        self._shaper: Shaper | None = None
        self._waited_s = 0.0
        """Seconds for which data were waited for."""

    def __enter__(self) -> RtspSource:
        limit_s = self._camera.open_timeout_s
        self._beat(3 * limit_s + 1)
        require_reachable(self.address, 322 if self.address.scheme == "rtsps" else 554, limit_s)
        began_s = time.monotonic()
        try:
            self._container = self._open(only_video=True)
        except (FFmpegError, OSError, ValueError) as error:
            is_refused = isinstance(error, HTTPOtherClientError)
            if is_refused and self._has_no_video():
                why = NO_VIDEO
            else:
                why = explain(error, self.address.target, limit_s, time.monotonic() - began_s)
            raise CameraError(f"{self.address.shown}: {why}") from None
        return self

    def _open(self, only_video: bool) -> InputContainer:
        limit_s = self._camera.open_timeout_s
        options = {
            **_TRANSPORTS[self._camera.transport],
            "protocol_whitelist": _PROTOCOLS,
            "timeout": f"{max(limit_s, self._read_limit_s) * 1e6:.0f}",  # µs; `stimeout` is ignored without a word
            "probesize": "32",  # bytes: the first picture is enough, or a slow stream would take long to open
            "max_pixels": str(MAX_PIXELS),
        }
        if only_video:
            options["allowed_media_types"] = "video"
        opened = av.open(
            self.address.target,
            format="rtsp",
            options=options,
            metadata_errors="replace",
            timeout=(limit_s, self._read_limit_s),
        )
        assert isinstance(opened, InputContainer)
        return opened

    def _has_no_video(self) -> bool:
        """Whether the camera gives its stream to one who takes other kinds, too: then it has no video."""
        time.sleep(_PAUSE_S)
        try:
            container = self._open(only_video=False)
        except (FFmpegError, OSError, ValueError):
            return False
        has_none = not container.streams.video
        container.close()
        return has_none

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._container is not None:
            self._container.close()
            self._container = None

    @property
    def facts(self) -> StreamFacts | None:
        """What is known of the stream by now; None before `frames()`."""
        return self._watch.facts() if self._watch is not None else None

    @property
    def _read_limit_s(self) -> float:
        return self._camera.read_timeout_s or max(self._camera.stall_after_s, LONGEST_READ_S)

    def frames(self) -> Iterator[SourceFrame]:
        """Frames as they come; raises CameraError when none comes in time or they come late."""
        assert self._container is not None, "enter the source first"
        stream = self._choose(self._container)
        rhythm = Rhythm(float(stream.guessed_rate or 0), self._camera.read_timeout_s or self._camera.stall_after_s)
        freshness, picture_s, has_pictures = Freshness(self.address.shown), time.monotonic(), False
        for packet in self._packets(self._container, stream):
            if not has_pictures:
                self._beat(max(rhythm.silence_s, FIRST_SILENCE_S))
            for picture, at_s in self._decode(packet):
                picture_s, has_pictures = time.monotonic(), True
                rhythm.picture(at_s, picture_s)
                self._beat(rhythm.silence_s)
                if freshness.is_fresh(at_s, picture_s, self._waited_s):
                    yield SourceFrame(picture, None)
            limit_s = rhythm.silence_s if has_pictures else KEYFRAME_WAIT_S
            if time.monotonic() - picture_s > limit_s:
                raise CameraError(
                    f"{self.address.shown}: sends data, but nothing in {limit_s:.0f} s that can be decoded as "
                    "a picture; set H.264 or H.265 and a keyframe interval of a few seconds on the camera"
                )
        raise CameraError(f"{self.address.shown}: the camera ended the stream; check the camera's power and network")

    def _choose(self, container: InputContainer) -> VideoStream:
        videos = container.streams.video
        if not videos:
            raise CameraError(
                f"{self.address.shown}: the camera sends no video; check the path, or switch its video on"
            )
        video = videos[0]
        if video.codec_context is None:
            raise CameraError(f"{self.address.shown}: its video has no decoder here; set H.264 or H.265 on the camera")
        context = video.codec_context
        if context.width * context.height > MAX_PIXELS:
            raise ImageError(
                f"{self.address.shown}: {context.width} x {context.height} pixels are more than {MAX_PIXELS}"
            )
        context.options = {"max_pixels": str(MAX_PIXELS)}  # the size may change, or come with the first picture only
        is_fast = float(video.guessed_rate or FAST_FPS) >= FAST_FPS
        context.thread_count = DECODER_THREADS if is_fast else 1
        context.thread_type = "AUTO"
        self._shaper = Shaper(video, aspect_of(self._camera.aspect), self._camera.deinterlace)
        self._watch = StreamWatch("rtsp", video, self._shaper)
        return video

    def _packets(self, container: InputContainer, stream: VideoStream) -> Iterator[Packet[VideoStream]]:
        assert self._watch is not None
        try:
            asked_s = time.monotonic()
            for packet in container.demux(stream):
                self._waited_s += time.monotonic() - asked_s
                if packet.size == 0:
                    return
                self._watch.packet(packet)
                yield packet
                asked_s = time.monotonic()
        except (FFmpegError, OSError) as error:
            why = "nothing came in time" if is_timeout(error) else error.strerror or "the connection broke"
            raise CameraError(
                f"{self.address.shown}: the stream stopped ({why}); check the camera's power and network"
            ) from None

    def _decode(self, packet: Packet[VideoStream]) -> Iterator[tuple[DecodedPicture, float | None]]:
        """Pictures that the packet gives; those flagged as broken, as after lost data, are counted and left out."""
        assert self._shaper is not None
        try:
            for frame in packet.decode():
                assert isinstance(frame, VideoFrame)
                if frame.is_corrupt:
                    self.bad_frames += 1
                else:
                    yield from self._shaper.add(frame)
        except FAULTS:
            self.bad_frames += 1


def require_reachable(address: Address, default_port: int, limit_s: float) -> None:
    """Raise a CameraError that says why the host can't be reached; FFmpeg itself wouldn't say."""
    parts = urlsplit(address.target)
    host, port = parts.hostname or "", parts.port or default_port
    try:
        socket.create_connection((host, port), timeout=limit_s).close()
    except socket.gaierror:
        raise CameraError(f"{address.shown}: the host name {host!r} can't be resolved; check the address") from None
    except TimeoutError:
        raise CameraError(f"{address.shown}: {host} does not answer; check the camera's power and network") from None
    except OSError as error:
        why = f"{host} port {port} can't be reached ({error.strerror})"
        raise CameraError(f"{address.shown}: {why}; check that the camera is on, and the port") from None
