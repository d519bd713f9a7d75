"""The interface of every source of frames."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from types import TracebackType
from typing import Protocol, Self

import numpy as np

from edge.arrays import BgrImage
from edge.capture.planes import Planes
from edge.glance import Glance

DEFAULT_FPS = 25.0
"""Frames a second where a recording doesn't say."""


class Decoded(Protocol):
    """A picture as a decoder gave it: `image` is made when somebody asks for it."""

    @property
    def image(self) -> BgrImage:
        """(H, W, 3) uint8 BGR, the same array at each call; may be written to."""
        ...

    @property
    def planes(self) -> Planes | None:
        """What the decoder gave, if no more than a conversion lies between it and `image`; in the decoder's memory."""
        ...


@dataclass(frozen=True, slots=True)
class SourceFrame:
    """One picture of a source. `media_s` is its time within the recording, None where a source has no such time."""

    picture: BgrImage | Decoded = field(repr=False)
    media_s: float | None

    def time_s(self, number: int) -> float:
        """Its time within the recording; counted from its number, 0 the first, at `DEFAULT_FPS` where there is none."""
        return number / DEFAULT_FPS if self.media_s is None else self.media_s

    @property
    def image(self) -> BgrImage:
        """(H, W, 3) uint8 BGR, the same array at each call."""
        return self.picture if isinstance(self.picture, np.ndarray) else self.picture.image

    @property
    def planes(self) -> Planes | None:
        """The same with nothing converted, for whoever never writes to it; None where there is no such thing."""
        return None if isinstance(self.picture, np.ndarray) else self.picture.planes

    @property
    def glance(self) -> Glance:
        """A quick look, for which nothing is converted where that is possible."""
        planes = self.planes
        return Glance(self.image) if planes is None else planes.glance


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
