"""What is left of a scene in a picture: light, detail and structure against a picture learnt before.

Everything is measured on a small gray picture, in blocks of which only those count that had structure before. The
structure of a block is compared by its normalised correlation, which light and contrast do not change. No state here.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.arrays import BgrImage, require_bgr

LONG_SIDE_PX = 320
BLOCK_PX = 32
MIN_STRUCTURE = 2.0
"""RMS of a block's middle frequencies, in levels of 255, from which on it shows something that can be compared."""
ALIKE = 0.35
"""Correlation of two blocks, either sign, from which on they show the same: infrared light turns some contrasts round.

Blocks of unrelated scenes hold about 40 independent values, so theirs lies within .16 two times of three.
"""
LOST = 0.3
"""Share of its structure below which a block has lost it."""
BRIGHT = 235
MIN_SURENESS = 0.25
"""Height of the peak from which on a shift counts: unrelated scenes give less than .15, a turned camera .4 and more."""
_FINE, _MIDDLE, _COARSE = 1.2, 5.0, 16.0
"""Standard deviations in px of the small picture that part the bands of frequencies."""

_SHRINK = 4

Gray = NDArray[np.float32]
"""(H, W) float32, 0..255."""


@dataclass(frozen=True, slots=True)
class Bands:
    """A small gray picture taken apart, by block: (rows, columns) RMS per band; the bands themselves (H, W)."""

    gray: Gray
    middle: Gray
    coarse: Gray
    fine_rms: Gray
    middle_rms: Gray
    coarse_rms: Gray


@dataclass(frozen=True, slots=True)
class SceneMeasures:
    """A picture against a reference; shares are 0..1 of the blocks that had structure, 1 where none had."""

    luma: float
    """Mean brightness of the visible pixels, 0..255."""
    bright: float
    """Share of visible pixels at the upper end."""
    structured: float
    """Share of visible blocks of the picture itself that show structure."""
    num_compared: int
    """Number of blocks that are compared."""
    bright_before: float
    """Share of visible pixels at the upper end, in the reference."""
    alike: float
    """Share of blocks whose structure is still there."""
    coarse_alike: float
    """Share of blocks whose coarse structure is still there."""
    lost: float
    """Share of blocks that have hardly any structure left and none of their own."""
    detail: float
    """Median of the finest detail relative to the coarser structure, 1 as in the reference."""
    shift: float = 0.0
    """Share of the longer side by which the whole scene is elsewhere; 0 where it is not found elsewhere."""


def small_gray(image: BgrImage) -> Gray:
    """Return the picture in gray, its longer side 320 px or its own if shorter; (H, W) float32, 0..255. A copy."""
    require_bgr(image)
    height, width = image.shape[:2]
    scale = min(1.0, LONG_SIDE_PX / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = image if scale == 1.0 else cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.cvtColor(small, cv2.COLOR_BGR2GRAY), np.float32)


def bands_of(gray: Gray) -> Bands:
    """Take a small gray picture, (H, W) float32 0..255, apart into bands of frequencies."""
    fine_low, middle_low = _blur(gray, _FINE), _blur(gray, _MIDDLE)
    height, width = gray.shape
    # A wide blur is as good and far cheaper on a picture that is smaller still.
    size = max(1, width // _SHRINK), max(1, height // _SHRINK)
    tiny = np.asarray(cv2.resize(gray, size, interpolation=cv2.INTER_AREA), np.float32)
    coarse_low = cv2.resize(_blur(tiny, _COARSE / _SHRINK), (width, height), interpolation=cv2.INTER_LINEAR)
    fine, middle, coarse = gray - fine_low, fine_low - middle_low, middle_low - coarse_low
    return Bands(gray, middle, coarse, _rms(fine), _rms(middle), _rms(coarse))


def visible_blocks(visible: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Blocks of a small picture, (rows, columns) bool, that are visible. `visible` is (H, W) bool."""
    return _block_means(visible.astype(np.float32)) > 0.99


def measure_scene(now: Bands, before: Bands, visible: NDArray[np.bool_]) -> SceneMeasures:
    """Measure a picture against a reference of the same size; `visible` is (H, W) bool, False under masks."""
    shown = visible_blocks(visible)
    compared = shown & (before.middle_rms >= MIN_STRUCTURE)
    pixels = now.gray[visible]
    similarity = np.abs(_correlation(now.middle, before.middle, now.middle_rms, before.middle_rms))
    coarse = _correlation(now.coarse, before.coarse, now.coarse_rms, before.coarse_rms)
    share = now.middle_rms / np.maximum(before.middle_rms, 1e-6)
    sharpness = now.fine_rms / np.maximum(now.middle_rms + now.coarse_rms, 1.0)
    former = before.fine_rms / np.maximum(before.middle_rms + before.coarse_rms, 1.0)
    return SceneMeasures(
        luma=float(pixels.mean()) if pixels.size else 0.0,
        bright=_share(now.gray >= BRIGHT, visible),
        bright_before=_share(before.gray >= BRIGHT, visible),
        structured=_share(now.middle_rms >= MIN_STRUCTURE, shown),
        num_compared=int(compared.sum()),
        alike=_share(similarity >= ALIKE, compared),
        coarse_alike=_share(coarse >= ALIKE, compared),
        lost=_share((share < LOST) & (now.middle_rms < 2 * MIN_STRUCTURE), compared),
        detail=float(np.median((sharpness / np.maximum(former, 1e-6))[compared])) if compared.any() else 1.0,
    )


def shift_of(now: Bands, before: Bands) -> float:
    """By what share of the longer side a scene has moved; 0 where it is nowhere found again for sure.

    The peak of the phase correlation (Kuglin and Hines 1975), sharp also where a scene looks like itself elsewhere.
    """
    height, width = now.gray.shape
    window = cv2.createHanningWindow((width, height), cv2.CV_32F)
    # OpenCV windows its inputs where they lie.
    (across, down), sureness = cv2.phaseCorrelate(before.middle.copy(), now.middle.copy(), window)
    return float(np.hypot(across, down)) / max(height, width) if sureness >= MIN_SURENESS else 0.0


def _share(true: NDArray[np.bool_], among: NDArray[np.bool_]) -> float:
    return float(true[among].mean()) if among.any() else 1.0


def _correlation(a: Gray, b: Gray, a_rms: Gray, b_rms: Gray) -> Gray:
    """Correlation of two bands by block, -1..1; 0 where one of them is empty."""
    product = _block_means(a * b)
    return np.asarray(product / np.maximum(a_rms * b_rms, 0.25), np.float32)


def _blur(gray: Gray, sigma: float) -> Gray:
    return np.asarray(cv2.GaussianBlur(gray, (0, 0), sigma, borderType=cv2.BORDER_REFLECT), np.float32)


def _rms(band: Gray) -> Gray:
    return np.sqrt(_block_means(band * band))


def _block_means(values: Gray) -> Gray:
    """Mean of each block, (rows, columns); what is left over at the right and at the bottom belongs to the last."""
    height, width = values.shape
    rows, columns = max(1, height // BLOCK_PX), max(1, width // BLOCK_PX)
    return np.asarray(cv2.resize(values, (columns, rows), interpolation=cv2.INTER_AREA), np.float32)
