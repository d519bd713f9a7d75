"""One camera image, a quick look at it, and images that are made when somebody asks for them."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from edge.arrays import BgrImage

FULL_RANGE, VIDEO_RANGE = (0, 255), (16, 235)
"""Values of black and white: of most pictures, and of the luma that most cameras send."""


@dataclass(frozen=True, slots=True)
class Glance:
    """A quick look at a frame while it is at hand: (H, W, 3) uint8 BGR, or its luma alone, (H, W) uint8.

    It may lie in memory that another frame takes next, so it is neither kept nor written to.
    """

    pixels: NDArray[np.uint8] = field(repr=False)
    span: tuple[int, int] = FULL_RANGE
    """The values of black and white."""


class Pixels(Protocol):
    """A picture whose image is made when somebody asks for it: nobody looks closely at most frames of a camera."""

    @property
    def shape(self) -> tuple[int, ...]:
        """(H, W, 3)."""
        ...

    @property
    def glance(self) -> Glance:
        """What can be looked at without making the image."""
        ...

    @property
    def image(self) -> BgrImage:
        """(H, W, 3) uint8 BGR, the same array at each call; must not be written to."""
        ...

    def keep(self) -> Pixels:
        """The same picture for as long as the caller wants it, wherever this one lies."""
        ...


@dataclass(frozen=True, slots=True)
class Frame:
    """One full camera image. `image` is (H, W, 3) uint8 BGR and must not be written to."""

    frame_id: int
    camera: str
    captured_at: dt.datetime
    captured_mono_ns: int
    pixels: BgrImage | Pixels = field(repr=False)

    @property
    def image(self) -> BgrImage:
        """The whole image; of a live frame it is made at the first call."""
        return self.pixels if isinstance(self.pixels, np.ndarray) else self.pixels.image

    @property
    def glance(self) -> Glance:
        """A quick look, for which no image is made."""
        return Glance(self.pixels) if isinstance(self.pixels, np.ndarray) else self.pixels.glance

    def keep(self) -> Frame:
        """The same frame for as long as the caller wants it, wherever its pixels lie now."""
        pixels = self.pixels
        return self if isinstance(pixels, np.ndarray) else replace(self, pixels=pixels.keep())
