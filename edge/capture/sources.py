"""Opens the source for a camera's setting or a path. Each kind of source has a module beside this one."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from types import TracebackType

from edge import credentials
from edge.capture.address import Address, parse_source
from edge.capture.files import ImagesSource, files_in
from edge.capture.frames import DEFAULT_FPS, FrameSource, SourceFrame
from edge.capture.orders import CameraSettings
from edge.capture.video.containers import (
    JPEG_VIDEO_SUFFIXES,
    VIDEO_SUFFIXES,
    is_jpeg_sequence,
    read_head,
)
from edge.capture.video.kinds import is_sound, is_video
from edge.capture.video.recordings import VideoSource
from edge.capture.video.shaping import aspect_of, square
from edge.errors import CameraError, EdgeError, ImageError
from edge.names import IMAGE_SUFFIXES, printable

__all__ = ["VIDEO_SUFFIXES", "FrameSource", "SourceFrame", "open_path", "open_source"]

_PICTURES = re.compile(
    rb"\x89PNG|\xff\xd8\xff|BM|RIFF....WEBP|II[*+]\x00|MM\x00[*+]|P[1-7]\s|....ftyp(?:hei|hev|mif|msf|avi)", re.DOTALL
)
_SURE_PICTURES = re.compile(
    rb"\x89PNG\r\n\x1a\n|\xff\xd8\xff|RIFF....WEBP|II\*\x00|MM\x00\*|....ftyp(?:hei|hev|mif|msf|avi)", re.DOTALL
)
"""Of these enough bytes are known that no video can begin so."""


class _SquaredSource:
    """A source whose frames are stretched to the shape that the setting `aspect` gives."""

    def __init__(self, source: FrameSource, aspect: Fraction) -> None:
        self.problem: str | None = None
        self.bad_frames = 0
        self.inner = source
        self._aspect = aspect

    def __enter__(self) -> _SquaredSource:
        self.inner.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.inner.__exit__(kind, error, trace)

    def frames(self) -> Iterator[SourceFrame]:
        try:
            for frame in self.inner.frames():
                self.bad_frames = self.inner.bad_frames
                yield replace(frame, picture=square(frame.image, self._aspect))
        finally:
            self.problem, self.bad_frames = self.inner.problem, self.inner.bad_frames


def open_source(camera: CameraSettings, beat: Callable[[float], None] = lambda silence_s: None) -> FrameSource:
    """The source of one camera, to be entered with `with`; raises ConfigError for an invalid source.

    `beat` is called while a source lives but has no frame yet, with the seconds that it may be silent from then on.
    """
    address = parse_source(camera)
    if "://" in address.target:
        address = replace(address, target=credentials.fill(address.target))
    aspect = aspect_of(camera.aspect)
    if address.scheme == "file":
        return open_path(Path(address.target), camera.fps, aspect, camera.deinterlace)
    if address.scheme in ("rtsp", "rtsps"):
        from edge.capture.network.rtsp import RtspSource

        return RtspSource(address, camera, beat)
    source = _open_plain(camera, address)
    return source if aspect is None else _SquaredSource(source, aspect)


def _open_plain(camera: CameraSettings, address: Address) -> FrameSource:
    """A source whose frames are taken as they come."""
    match address.scheme:
        case "folder":
            folder = Path(address.target)
            if not os.path.lexists(folder) and folder.parent.is_dir():
                raise CameraError(f"{printable(folder)}: no such folder; check the path")
            if folder.is_file():
                raise ImageError(f"{folder}: is a file, not a folder; write source = 'file:{folder}'")
            return ImagesSource(folder, camera.fps)
        case "http" | "https":
            from edge.capture.network.mjpeg import MjpegSource

            return MjpegSource(address, camera.fps, camera.stall_after_s)
        case "v4l2":
            from edge.capture.devices.v4l2 import V4l2Source

            return V4l2Source(address.target, camera.width, camera.height, camera.fps)
        case "csi":
            from edge.capture.devices.csi import csi_source

            return csi_source(int(address.target), camera.width, camera.height, camera.fps)
        case "picamera":
            from edge.capture.devices.picamera import PicameraSource

            return PicameraSource(int(address.target), camera.width, camera.height, camera.fps)
        case scheme:
            raise ValueError(f"no source for scheme {scheme!r}: add its case here")


def open_path(
    path: Path,
    fps: float | None = None,
    aspect: Fraction | None = None,
    deinterlace: str = "auto",
    files: Sequence[Path] | None = None,
) -> FrameSource:
    """The source of a video, GIF, image or folder of images, to be entered with `with`. `fps` times images only.

    `files`: those of a folder that are meant; left out, all with an image's ending.
    """
    if path.is_dir() or is_picture(path):
        return ImagesSource(path, fps or DEFAULT_FPS, files)
    return VideoSource(path, aspect, deinterlace)


def expected_frames(path: Path) -> int | None:
    """About how many frames `open_path` gives, as the file itself says; None where it says nothing or can't be read."""
    if path.is_dir():
        return sum(one.suffix.lower() in IMAGE_SUFFIXES for one in files_in(path)) or None
    try:
        if is_picture(path):
            return 1
        with VideoSource(path) as source:
            return source.expected_frames
    except EdgeError:
        return None


def is_picture(path: Path) -> bool:
    """Whether a file is to be read as one picture, whatever its ending, where its first bytes are surely one's.

    What is neither known as a picture nor as a video, FFmpeg judges.
    """
    head, suffix = read_head(path), path.suffix.lower()
    if is_video(head) or is_sound(head) or is_jpeg_sequence(path, head):
        return False
    if suffix in VIDEO_SUFFIXES:
        return suffix not in JPEG_VIDEO_SUFFIXES and _SURE_PICTURES.match(head) is not None
    return _PICTURES.match(head) is not None or suffix in IMAGE_SUFFIXES


def is_to_be_played(path: Path) -> bool:
    """Whether a file of a folder is a video: by its ending, unless its first bytes are surely others'; False where they
    can't be read and its ending is no video's."""
    suffix = path.suffix.lower()
    try:
        if suffix in VIDEO_SUFFIXES:
            return not is_picture(path)
        return suffix in IMAGE_SUFFIXES and is_video(read_head(path))
    except EdgeError:
        return suffix in VIDEO_SUFFIXES


def is_misnamed_picture(path: Path) -> bool:
    """Whether a file is named as a video and is a picture; False where it can't be read."""
    return path.suffix.lower() in VIDEO_SUFFIXES and not is_to_be_played(path)
