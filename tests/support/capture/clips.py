"""Small video files of every kind, encoded by the test itself with PyAV. Tests alone may import `av` beside capture."""

from __future__ import annotations

import io
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.container import OutputContainer
from av.video.frame import VideoFrame

from edge.arrays import BgrImage

WIDTH, HEIGHT = 128, 96


def scene(number: int, width: int = WIDTH, height: int = HEIGHT) -> BgrImage:
    """A bright square that moves to the right by 4 px a frame before a gray wall with a lighter upper left corner."""
    image = np.full((height, width, 3), 70, np.uint8)
    image[: height // 4, : width // 4] = 140
    left = 8 + 4 * number % (width // 2)
    image[height // 2 : height // 2 + 24, left : left + 24] = 230
    return image


def scenes(num: int, width: int = WIDTH, height: int = HEIGHT) -> list[BgrImage]:
    """That many of them."""
    return [scene(number, width, height) for number in range(num)]


def woven(images: Sequence[BgrImage]) -> list[BgrImage]:
    """Half as many frames, each of the even lines of one image and the odd lines of the next, as cameras interlace."""
    made = []
    for first, second in zip(images[::2], images[1::2], strict=True):
        frame = first.copy()
        frame[1::2] = second[1::2]
        made.append(frame)
    return made


def encode_video(
    target: Path | io.BytesIO,
    images: Sequence[BgrImage],
    *,
    format: str,
    codec: str = "libx264",
    fps: int = 25,
    options: dict[str, str] | None = None,
    aspect: Fraction | None = None,
    rotation: int = 0,
    times_ms: Sequence[int] | None = None,
    is_interlaced: bool = False,
    pixels: str = "yuv420p",
) -> bytes:
    """Write a clip and return its bytes. `aspect` is that of a pixel, `times_ms` each frame's presentation time."""
    file = io.BytesIO()
    with av.open(file, "w", format=format) as container:
        assert isinstance(container, OutputContainer)
        stream: Any = container.add_stream(codec, rate=fps, options=options or {})
        stream.width, stream.height, stream.pix_fmt = images[0].shape[1], images[0].shape[0], pixels
        stream.codec_context.gop_size = 12
        if aspect is not None:
            stream.codec_context.sample_aspect_ratio = aspect
        if is_interlaced:
            stream.codec_context.flags |= 1 << 18 | 1 << 29  # interlaced DCT and motion estimation
        if times_ms is not None:
            stream.codec_context.time_base = Fraction(1, 1000)
        if rotation:
            stream.set_display_rotation(rotation)
        for number, image in enumerate(images):
            frame = VideoFrame.from_ndarray(image, format="bgr24").reformat(format=pixels)
            frame.pts = number if times_ms is None else times_ms[number]
            frame.time_base = Fraction(1, fps) if times_ms is None else Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    data = file.getvalue()
    if isinstance(target, Path):
        target.write_bytes(data)
    return data


def encode_sound(path: Path, format: str, codec: str) -> Path:
    """A second of a tone."""
    tone = (np.sin(np.arange(44_100) * 0.06) * 8000).astype(np.int16)[None]
    with av.open(str(path), "w", format=format) as container:
        assert isinstance(container, OutputContainer)
        stream: Any = container.add_stream(codec, rate=44_100)
        resampler = av.AudioResampler(format=stream.format, layout="mono", rate=44_100, frame_size=1024)
        frame = av.AudioFrame.from_ndarray(tone, format="s16", layout="mono")
        frame.sample_rate = 44_100
        stream.layout = "mono"
        for part in resampler.resample(frame):
            container.mux(stream.encode(part))
        container.mux(stream.encode(None))
    return path
