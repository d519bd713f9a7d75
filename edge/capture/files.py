"""Recorded pictures: a folder of images, or one image. No pacing and no looping."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType

from edge.capture.frames import SourceFrame
from edge.capture.pictures.images import decode_noted, read_bytes
from edge.capture.video.containers import read_head
from edge.errors import CameraError, EdgeError, ImageError
from edge.names import IMAGE_SUFFIXES, is_left_behind, printable

MAX_TOLD = 50
"""Images left out that a folder names one by one."""


class ImagesSource:
    """A folder's images in natural order of their names (2 before 10), or one image file."""

    def __init__(self, path: Path, fps: float, files: Sequence[Path] | None = None) -> None:
        """`files`: those of a folder that are meant; left out, all with an image's ending."""
        self.path = path
        self._wanted = files
        self.fps = fps
        self.problem: str | None = None
        self.bad_frames = 0
        self._files: list[Path] = []

    def __enter__(self) -> ImagesSource:
        if not self.path.is_dir():
            read_head(self.path)
            self._files = [self.path]
            return self
        wanted = files_in(self.path) if self._wanted is None else self._wanted
        self._files = [file for file in wanted if self._wanted is not None or file.suffix.lower() in IMAGE_SUFFIXES]
        if not self._files:
            raise ImageError(f"{printable(self.path)}: holds no images ({', '.join(IMAGE_SUFFIXES)}); check the path")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._files = []

    def frames(self) -> Iterator[SourceFrame]:
        """Every image that can be read; a broken one among others is counted and left out."""
        errors: list[EdgeError] = []
        noted: list[str] = []
        num_read = 0
        for index, file in enumerate(self._files):
            try:
                image, notes, _ = decode_noted(read_bytes(file), printable(file))
            except ImageError as error:
                self.bad_frames += 1
                errors.append(error)
                continue
            num_read += 1
            noted += [f"{printable(file)}: {note}" for note in notes]
            yield SourceFrame(image, index / self.fps)
        if errors and len(self._files) == 1:
            raise errors[0]
        told: list[str] = []
        if errors:
            left_out = f"{printable(self.path)}: {len(errors)} of {len(self._files)} images left out:"
            told += [left_out, *first_of([str(error) for error in errors])]
        told += first_of(noted)
        self.problem = "\n".join(told) or None
        if self.problem is not None and num_read == 0:
            raise ImageError(self.problem)


def first_of(lines: list[str]) -> list[str]:
    """The first of so many lines, and how many more there are."""
    return [*lines[:MAX_TOLD], *([f"and {len(lines) - MAX_TOLD} more"] if len(lines) > MAX_TOLD else [])]


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
