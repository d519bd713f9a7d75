"""Recorded pictures: a folder of images, or one image. No pacing and no looping."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

from edge.capture.containers import read_head, shown_path
from edge.capture.frames import SourceFrame
from edge.capture.images import IMAGE_SUFFIXES, read_image
from edge.errors import CameraError, EdgeError, ImageError


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
            raise ImageError(f"{shown_path(self.path)}: holds no images ({', '.join(IMAGE_SUFFIXES)}); check the path")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._files = []

    def frames(self) -> Iterator[SourceFrame]:
        """Every image that can be read; a broken one among others is counted and left out."""
        last_error: EdgeError | None = None
        num_read, num_bad = 0, 0
        for index, file in enumerate(self._files):
            try:
                image = read_image(file)
            except ImageError as error:
                self.bad_frames += 1
                num_bad += 1
                last_error = error
                continue
            num_read += 1
            yield SourceFrame(image, index / self.fps)
        if last_error is not None and num_read == 0:
            raise last_error
        if last_error is not None:
            self.problem = (
                f"{shown_path(self.path)}: {num_bad} of {len(self._files)} images left out; the last: {last_error}"
            )


def files_in(folder: Path) -> list[Path]:
    """Plain files of a folder in natural order; raises CameraError where it can't be listed."""
    try:
        found = [path for path in folder.iterdir() if path.is_file() and not path.name.startswith(".")]
    except OSError as error:
        raise CameraError(
            f"{shown_path(folder)}: can't be listed ({error.strerror}); check the path and its permissions"
        ) from None
    return sorted(found, key=_natural)


def _natural(path: Path) -> tuple[list[tuple[int, str]], str]:
    parts = re.findall(r"\d+|\D+", path.name.lower())
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts], path.name
