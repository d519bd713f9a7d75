"""The interface of every source of frames."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from types import TracebackType
from typing import Protocol, Self

from edge.arrays import BgrImage


@dataclass(frozen=True, slots=True)
class SourceFrame:
    """One image of a source. `media_s` is its time within the recording, None where a source has no such time."""

    image: BgrImage = field(repr=False)
    media_s: float | None


class FrameSource(Protocol):
    """An opened camera, file or folder.

    Recorded sources: `frames()` plays from the start at each call, ends by itself, and leaves what went wrong in
    `problem`. Live sources: `frames()` never ends; it raises CameraError when the source is gone.
    """

    problem: str | None
    """Once `frames()` has ended: a sentence that says what is missing, or None."""
    bad_frames: int
    """Broken pictures, which were left out."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def frames(self) -> Iterator[SourceFrame]:
        """Images, oldest first."""
        ...
