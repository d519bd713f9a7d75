"""What is known of a video stream, for those who set up a camera: codec, size, aspect, rate, interlace, keyframes."""

from __future__ import annotations

from dataclasses import dataclass

from av.packet import Packet
from av.video.stream import VideoStream

from edge.capture.video.shaping import Shaper


@dataclass(frozen=True, slots=True)
class StreamFacts:
    """One stream as it is sent. None: not known, or not seen yet."""

    container: str
    codec: str
    width: int
    height: int
    pixel_aspect: float
    """Width of a pixel by its height; 1 is square."""
    stated_fps: float | None
    is_interlaced: bool
    keyframe_s: float | None
    """Longest time between two keyframes seen."""


class StreamWatch:
    """Watches a stream's packets."""

    def __init__(self, container: str, stream: VideoStream, shaper: Shaper) -> None:
        self._container = container
        self._stream = stream
        self._shaper = shaper
        self._last_key_s: float | None = None
        self._keyframe_s: float | None = None
        self._fps = stream.average_rate or stream.guessed_rate
        self._codec = stream.codec_context.name
        self._size = (stream.codec_context.width, stream.codec_context.height)

    def packet(self, packet: Packet[VideoStream]) -> None:
        """Take in the next packet."""
        if packet.size:
            self._size = (self._stream.codec_context.width, self._stream.codec_context.height)
        if not packet.is_keyframe or packet.time_base is None or (at := packet.pts or packet.dts) is None:
            return
        at_s = float(at * packet.time_base)
        if self._last_key_s is not None and at_s > self._last_key_s:
            self._keyframe_s = max(self._keyframe_s or 0.0, at_s - self._last_key_s)
        self._last_key_s = at_s

    def facts(self) -> StreamFacts:
        """What is known by now."""
        fps = float(self._fps) if self._fps and 0 < self._fps < 1000 else None
        width, height = self._size
        return StreamFacts(
            self._container,
            self._codec,
            width,
            height,
            round(self._shaper.pixel_aspect, 4),
            fps,
            self._shaper.is_interlaced,
            self._keyframe_s,
        )
