"""Frames as decoders give them, luma and chroma apart, and frames where they lie in shared memory.

BGR is made when somebody asks for it: of most live frames nobody looks at more than the luma. PyAV, which converts, is
imported at the first such frame.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from edge.arrays import BgrImage
from edge.glance import FULL_RANGE, VIDEO_RANGE, Glance

Plane = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Planes:
    """One picture in 4:2:0, as nearly all cameras send it: luma (H, W) and chroma (H/2, W/2), uint8; H, W are even."""

    y: Plane = field(repr=False)
    u: Plane = field(repr=False)
    v: Plane = field(repr=False)
    is_full_range: bool
    """Whether black is 0 and white 255; else they are 16 and 235."""
    rows: Plane | None = field(default=None, repr=False)
    """All three one behind the other, (H * 3 / 2, W), where they lie so in memory."""

    @property
    def shape(self) -> tuple[int, int, int]:
        """That of the image that can be made: (H, W, 3)."""
        return (*self.y.shape[:2], 3)

    @property
    def glance(self) -> Glance:
        """The luma."""
        return Glance(self.y, FULL_RANGE if self.is_full_range else VIDEO_RANGE)

    @classmethod
    def within(cls, data: Plane, height: int, width: int, *, is_full_range: bool) -> Planes:
        """The picture whose three planes lie one behind the other in `data`, (height * width * 3 / 2,) uint8."""
        area, small = height * width, (height // 2, width // 2)
        u, v = data[area : area * 5 // 4].reshape(small), data[area * 5 // 4 :].reshape(small)
        rows = data.reshape(-1, width)
        return cls(rows[:height], u, v, is_full_range, rows)

    def copy(self) -> Planes:
        """The same picture in memory of its own."""
        data = np.concatenate([part.reshape(-1) for part in (self.y, self.u, self.v)])
        return Planes.within(data, *self.y.shape, is_full_range=self.is_full_range)

    def to_bgr(self) -> BgrImage:
        """A new image, (H, W, 3) uint8."""
        from edge.capture.conversion import rows_to_bgr

        rows = self.copy().rows if self.rows is None else self.rows
        assert rows is not None
        return rows_to_bgr(rows, is_full_range=self.is_full_range)


class HeldPixels:
    """A frame where it lies in the ring, until its reader asks for another one; `image` is a copy, made once.

    One thread. Once the frame is given back, only an image that was made before is there: asking for anything else
    raises RuntimeError, since the pixels may be another frame's by then.
    """

    def __init__(self, pixels: BgrImage | Planes) -> None:
        self._pixels: BgrImage | Planes | None = pixels
        self._image: BgrImage | None = None
        self.shape = pixels.shape

    @property
    def glance(self) -> Glance:
        """What lies there, not copied: luma, or the whole BGR image where the source gives no luma."""
        pixels = self._held()
        return Glance(pixels) if isinstance(pixels, np.ndarray) else pixels.glance

    @property
    def image(self) -> BgrImage:
        """(H, W, 3) uint8, the caller's own; the same array at each call."""
        if self._image is None:
            pixels = self._held()
            self._image = pixels.copy() if isinstance(pixels, np.ndarray) else pixels.to_bgr()
        return self._image

    def keep(self) -> HeldPixels:
        """A copy that lies nowhere in the ring. It takes half as much as the image, where the source gives luma."""
        if self._image is not None:
            return HeldPixels(self._image)
        return HeldPixels(self._held().copy())

    def give_back(self) -> None:
        """From now on the writer may overwrite the slot."""
        self._pixels = None

    def _held(self) -> BgrImage | Planes:
        if self._pixels is None:
            raise RuntimeError(
                "this frame was given back to the ring: take its image before the next frame is asked for"
            )
        return self._pixels
