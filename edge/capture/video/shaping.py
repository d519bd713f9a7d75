"""Turns what FFmpeg decodes into pictures as people see them: whole, with square pixels, upright.

Colors are converted as OpenCV does it, so that a frame has the same pixels whoever decodes it.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from fractions import Fraction
from typing import Any, NamedTuple

import av
import cv2
import numpy as np
from av.error import BlockingIOError as NeedsMoreError
from av.error import EOFError as EndOfGraphError
from av.filter import Graph
from av.video.frame import VideoFrame
from av.video.plane import VideoPlane
from av.video.reformatter import VideoReformatter
from av.video.stream import VideoStream

from edge.arrays import MAX_PIXELS, BgrImage
from edge.capture.conversion import FULL_420, VIDEO_420, to_bgr
from edge.capture.planes import Plane, Planes

FOUR_TO_THREE = Fraction(4, 3)
_TELEVISION = {
    (720, 576), (704, 576), (704, 480), (352, 576), (352, 480),
    (960, 576), (960, 480), (944, 576), (928, 576), (928, 480),
}  # fmt: skip
"""Sizes that only analog television has, always shown as 4 to 3 unless the stream says otherwise."""
_ONE_FIELD = {(width, height) for width in (640, 704, 720, 928, 944, 960) for height in (240, 288)}
"""Sizes of every second line of such a picture, as recorders keep it: nobody films so with square pixels, although some
encoders say they are square where they don't know."""
_LEAST_CHANGE = 0.01
_MATRIX = "DISPLAYMATRIX"
_MOST_SQUEEZED = 4
"""Pixels further from square are a fault of the file."""


def aspect_of(setting: str) -> Fraction | None:
    """The setting `aspect`, such as `16:9`, as a number; None for `auto`."""
    width, _, height = setting.partition(":")
    return None if setting == "auto" else Fraction(int(width), int(height))


def pixel_aspect(width: int, height: int, stated: Fraction | None, wanted: Fraction | None, interlaced: bool) -> float:
    """Width of a pixel by its height: as `wanted` for the whole picture, else as `stated`, else by the size."""
    size = (width, height)
    is_squeezed = size in _TELEVISION or (interlaced and size == (720, 480))
    if wanted is None and ((size in _ONE_FIELD and stated in (None, 0, 1)) or (is_squeezed and not stated)):
        wanted = FOUR_TO_THREE
    found = float(wanted * height / width) if wanted else float(stated or 1)
    is_sane = 1 / _MOST_SQUEEZED <= found <= _MOST_SQUEEZED and abs(found - 1) >= _LEAST_CHANGE
    return found if is_sane else 1.0


def square_size(width: int, height: int, pixel: float) -> tuple[int, int]:
    """Size with square pixels: the squeezed side is enlarged, or the other one shrunk where that would be too large."""
    larger = (round(width * pixel), height) if pixel > 1 else (width, round(height / pixel))
    if larger[0] * larger[1] <= MAX_PIXELS:
        return larger
    return (width, max(1, round(height / pixel))) if pixel > 1 else (max(1, round(width * pixel)), height)


def square(image: BgrImage, wanted: Fraction | None) -> BgrImage:
    """The image, (H, W, 3) uint8, stretched to the shape `wanted`; the same array where it has it already."""
    height, width = image.shape[:2]
    size = square_size(width, height, pixel_aspect(width, height, Fraction(1), wanted, False))
    if size == (width, height):
        return image
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_CUBIC), np.uint8)


class Turn(NamedTuple):
    """How a decoded frame lies: columns and rows swapped, then mirrored from left to right, then upside down."""

    is_swapped: bool = False
    is_mirrored: bool = False
    is_upside_down: bool = False

    @classmethod
    def of(cls, frame: VideoFrame) -> Turn:
        """As the frame's display matrix says (ISO/IEC 14496-12, 8.3.2), to the nearest quarter turn."""
        stated: Any = frame.side_data.get(_MATRIX)
        if stated is None:
            return cls()
        a, b, _, c, d = np.frombuffer(bytes(stated), np.int32)[:5].astype(np.int64).tolist()
        if abs(a) + abs(d) >= abs(b) + abs(c):
            return cls(False, a < 0, d < 0)
        return cls(True, c < 0, b < 0)

    def apply(self, image: BgrImage) -> BgrImage:
        """The image, (H, W, 3) uint8, upright; the same array where it is so already."""
        if self.is_swapped:
            image = image.swapaxes(0, 1)
        return np.ascontiguousarray(image[:: -1 if self.is_upside_down else 1, :: -1 if self.is_mirrored else 1])


class DecodedPicture:
    """One decoded frame, shaped when its image is asked for. It holds memory of the decoder, so it isn't kept."""

    def __init__(self, frame: VideoFrame, reformatter: VideoReformatter, size: tuple[int, int], turn: Turn) -> None:
        """`size`: width and height with square pixels, before the turn that makes it upright."""
        self._frame = frame
        self._reformatter = reformatter
        self._size = size
        self._turn = turn
        self._image: BgrImage | None = None

    @property
    def image(self) -> BgrImage:
        """(H, W, 3) uint8 BGR, the same array at each call."""
        if self._image is None:
            self._image = self._turn.apply(to_bgr(self._frame, self._reformatter, *self._size))
        return self._image

    @functools.cached_property
    def planes(self) -> Planes | None:
        """Luma and chroma in the decoder's memory; None where there is more to do than to convert them."""
        frame = self._frame
        width, height = frame.width, frame.height
        is_plain = frame.format.name in (VIDEO_420, FULL_420) and self._size == (width, height) and not any(self._turn)
        if not is_plain or width % 2 or height % 2:
            return None
        y, u, v = (_plane(plane) for plane in frame.planes)
        return Planes(y, u, v, frame.format.name == FULL_420)


class Shaper:
    """Shapes the frames of one stream. `add` gives what is ready, `finish` the rest; a broken frame raises an error."""

    def __init__(self, stream: VideoStream, wanted: Fraction | None = None, deinterlace: str = "auto") -> None:
        self.is_interlaced = False
        """Whether any frame was flagged as interlaced."""
        self.pixel_aspect = 1.0
        self._stream = stream
        self._wanted = wanted
        self._deinterlace = deinterlace
        self._reformatter = VideoReformatter()
        self._graph: Graph | None = None
        self._shape: tuple[int, int, str] | None = None

    def add(self, frame: VideoFrame) -> Iterator[tuple[DecodedPicture, float | None]]:
        """Pictures that are ready once `frame` is there, with the seconds of the stream's clock."""
        self.is_interlaced = self.is_interlaced or frame.interlaced_frame
        is_filtered = self._deinterlace == "on" or (self._deinterlace == "auto" and self.is_interlaced)
        shape = (frame.width, frame.height, frame.format.name)
        if self._graph is not None and shape != self._shape:
            yield from self.finish()
        if not is_filtered:
            yield self._picture(frame), _seconds(frame)
            return
        if self._graph is None:
            self._graph, self._shape = self._make_graph(frame), shape
        self._graph.vpush(frame)
        yield from self._pull(self._graph)

    def finish(self) -> Iterator[tuple[DecodedPicture, float | None]]:
        """Pictures that the deinterlacer held back."""
        graph, self._graph = self._graph, None
        if graph is not None:
            graph.vpush(None)
            yield from self._pull(graph)

    def _make_graph(self, frame: VideoFrame) -> Graph:
        which = "all" if self._deinterlace == "on" else "interlaced"
        graph = Graph()
        graph.threads = 1
        source = graph.add_buffer(
            width=frame.width, height=frame.height, format=frame.format, time_base=frame.time_base or Fraction(1, 90000)
        )
        graph.link_nodes(source, graph.add("bwdif", f"mode=send_frame:deint={which}"), graph.add("buffersink"))
        graph.configure()
        return graph

    def _pull(self, graph: Graph) -> Iterator[tuple[DecodedPicture, float | None]]:
        while True:
            try:
                frame = graph.vpull()
            except (NeedsMoreError, EndOfGraphError):
                return
            yield self._picture(frame), _seconds(frame)

    def _picture(self, frame: VideoFrame) -> DecodedPicture:
        turn = Turn.of(frame)
        wanted = 1 / self._wanted if self._wanted and turn.is_swapped else self._wanted
        stated = self._stream.sample_aspect_ratio or self._stream.codec_context.sample_aspect_ratio
        self.pixel_aspect = pixel_aspect(frame.width, frame.height, stated, wanted, self.is_interlaced)
        size = square_size(frame.width, frame.height, self.pixel_aspect)
        return DecodedPicture(frame, self._reformatter, size, turn)


def _plane(plane: VideoPlane) -> Plane:
    """A plane as rows and columns; what pads its lines is left out."""
    lines: Plane = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
    return lines[: plane.height, : plane.width]


def _seconds(frame: VideoFrame) -> float | None:
    base = frame.time_base
    return None if frame.pts is None or base is None else frame.pts * (base.numerator / base.denominator)


FAULTS = (av.error.FFmpegError, ValueError, OSError)
"""What a broken frame may raise."""
