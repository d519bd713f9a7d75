"""Recorded sources: a video or GIF through OpenCV's FFmpeg, a folder of images, one image. No pacing and no looping.

A file is recognised by its first bytes and not by its name, so that only plain containers reach FFmpeg: playlist
formats would open the files and addresses they name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

import cv2
import numpy as np

from edge.arrays import MAX_PIXELS
from edge.capture.frames import SourceFrame
from edge.capture.images import IMAGE_SUFFIXES, read_image
from edge.errors import CameraError, EdgeError, ImageError
from edge.names import is_left_behind, printable

DEFAULT_FPS = 25.0
MAX_TOLD = 50
"""Images left out that a folder names one by one."""

_CONTAINERS = (
    rb"....(ftyp|moov|mdat|wide|free|skip)",  # MP4, MOV
    rb"\x1a\x45\xdf\xa3",  # Matroska, WebM
    rb"RIFF....AVI ",
    rb"GIF8[79]a",
    rb"\x47.{187}\x47",  # MPEG transport stream
    rb"\x00\x00\x01[\xb3\xba]",  # MPEG programme stream
    rb"FLV\x01",
    rb"OggS",
    rb"\x30\x26\xb2\x75\x8e\x66\xcf\x11",  # ASF, WMV
    rb"YUV4MPEG2 ",
)


def read_head(path: Path) -> bytes:
    """First bytes of a file; raises CameraError where there is none to read, ImageError where it is empty."""
    if path.is_dir():
        raise ImageError(f"{path}: is a folder, not a file; a camera plays it with source = 'folder:{path}'")
    if path.exists() and not path.is_file():
        raise CameraError(f"{path}: is not a plain file; give a video or image file")
    try:
        with path.open("rb") as file:
            head = file.read(512)
    except FileNotFoundError:
        raise CameraError(f"{path}: no such file; check the path") from None
    except OSError as error:
        raise CameraError(f"{path}: can't be read ({error.strerror}); check its permissions") from None
    if not head:
        raise ImageError(f"{path}: is empty (0 bytes); copy the file again")
    return head


def is_video(head: bytes) -> bool:
    """True where the first bytes are those of a video container or a GIF."""
    return any(re.match(magic, head, re.DOTALL) for magic in _CONTAINERS)


class VideoSource:
    """A video file or GIF. `problem` says after `frames()` how much of a damaged one was decoded."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.problem: str | None = None
        self.bad_frames = 0
        self._video: cv2.VideoCapture | None = None

    def __enter__(self) -> VideoSource:
        if not is_video(read_head(self.path)):
            raise ImageError(
                f"{self.path}: is not a video that can be read here; give an MP4, MKV, AVI, MOV, WebM or GIF file"
            )
        self._video = self._open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._release()

    def frames(self) -> Iterator[SourceFrame]:
        """Every frame from the start, timed by its presentation time."""
        video = self._video or self._open()
        self._video = None  # a second call reopens the file, so playback restarts at the beginning
        fps = video.get(cv2.CAP_PROP_FPS)
        step_s = 1.0 / fps if 0.1 < fps < 1000 else 1.0 / DEFAULT_FPS
        count, last_s = 0, -step_s
        try:
            while True:
                is_read, image = video.read()
                if not is_read:
                    break
                at_s = video.get(cv2.CAP_PROP_POS_MSEC) / 1000
                last_s = at_s if at_s > last_s else last_s + step_s  # some containers hold no times
                count += 1
                yield SourceFrame(np.ascontiguousarray(image, dtype=np.uint8), last_s)
            promised = video.get(cv2.CAP_PROP_FRAME_COUNT)
        finally:
            video.release()
        self.problem = self._what_is_missing(count, last_s + step_s, promised, promised * step_s)
        if count == 0:
            raise ImageError(f"{self.path}: holds no picture that can be decoded; record or copy the file again")

    def _open(self) -> cv2.VideoCapture:
        # We report the fault once ourselves. The setting in `edge.capture` is too late if cv2 was loaded before it.
        cv2.utils.logging.setLogLevel(0)
        video = cv2.VideoCapture(str(self.path), cv2.CAP_FFMPEG)
        width, height = video.get(cv2.CAP_PROP_FRAME_WIDTH), video.get(cv2.CAP_PROP_FRAME_HEIGHT)
        if not video.isOpened():
            raise ImageError(
                f"{self.path}: can't be opened as a video; it is damaged or was cut off before its index was written; "
                "record or copy the file again"
            )
        if width * height > MAX_PIXELS:
            video.release()
            raise ImageError(
                f"{self.path}: {width:.0f} x {height:.0f} pixels are more than {MAX_PIXELS}; make it smaller"
            )
        return video

    def _what_is_missing(self, count: int, played_s: float, promised: float, promised_s: float) -> str | None:
        """Containers only estimate their frame count, so both frames and seconds must be clearly short."""
        is_short = count < promised - max(2.0, 0.02 * promised) and played_s < promised_s * 0.98 - 0.05
        if is_short:
            return f"{self.path}: broke off after {count} of about {promised:.0f} frames; record or copy the file again"
        if self.path.suffix.lower() == ".gif" and not _ends_as_gif(self.path):
            return (
                f"{self.path}: broke off after {count} frames (its end mark is missing); record or copy the file again"
            )
        return None

    def _release(self) -> None:
        if self._video is not None:
            self._video.release()
            self._video = None


class ImagesSource:
    """A folder's images in natural order of their names (2 before 10), or one image file."""

    def __init__(self, path: Path, fps: float) -> None:
        self.path = path
        self.fps = fps
        self.problem: str | None = None
        self.bad_frames = 0
        self._files: list[Path] = []

    def __enter__(self) -> ImagesSource:
        if not self.path.is_dir():
            read_head(self.path)
            self._files = [self.path]
            return self
        self._files = [file for file in files_in(self.path) if file.suffix.lower() in IMAGE_SUFFIXES]
        if not self._files:
            raise ImageError(f"{self.path}: holds no images ({', '.join(IMAGE_SUFFIXES)}); check the path")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._files = []

    def frames(self) -> Iterator[SourceFrame]:
        """Every image that can be read; a broken one among others is counted and left out."""
        errors: list[EdgeError] = []
        num_read = 0
        for index, file in enumerate(self._files):
            try:
                image = read_image(file)
            except ImageError as error:
                self.bad_frames += 1
                errors.append(error)
                continue
            num_read += 1
            yield SourceFrame(image, index / self.fps)
        if errors and len(self._files) == 1:
            raise errors[0]
        if errors:
            told = [str(error) for error in errors[:MAX_TOLD]]
            more = [f"and {len(errors) - MAX_TOLD} more"] if len(errors) > MAX_TOLD else []
            left_out = f"{printable(self.path)}: {len(errors)} of {len(self._files)} images left out:"
            self.problem = "\n".join([left_out, *told, *more])
        if self.problem is not None and num_read == 0:
            raise ImageError(self.problem)


def files_in(folder: Path) -> list[Path]:
    """Plain files of a folder in natural order; raises CameraError where it can't be listed."""
    try:
        found = [path for path in folder.iterdir() if path.is_file() and not is_left_behind(path.name)]
    except OSError as error:
        raise CameraError(
            f"{printable(folder)}: can't be listed ({error.strerror}); check the path and its permissions"
        ) from None
    return sorted(found, key=_natural)


def _natural(path: Path) -> tuple[list[tuple[int, str]], str]:
    parts = re.findall(r"\d+|\D+", path.name.lower())
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts], path.name


def _ends_as_gif(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 64))
        return file.read().rstrip(b"\x00").endswith(b"\x3b")
