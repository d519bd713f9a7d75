"""Broad, randomised families of camera faults, beside the fixed list of `edge.pixels.degrade`.

The fixed list is what we measure; a net trained on it alone is strong there and weak elsewhere. Each family here draws
its own strength from `amount` (0..1) and its own look from the generator. Pure functions of an image and a generator.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tools.train.material import light_faults, optics_faults, sensor_faults
from tools.train.material.fault_values import Image

Family = Callable[[Image, float, np.random.Generator], Image]
FAMILIES: dict[str, Family] = {
    "veil": light_faults.veil,
    "flat": light_faults.flat,
    "backlight": light_faults.backlight,
    "shadow": light_faults.shadow,
    "overexposed": light_faults.overexposed,
    "lamp": light_faults.lamp,
    "gamma": light_faults.gamma,
    "defocus": optics_faults.defocus,
    "shake": optics_faults.shake,
    "zoomed": optics_faults.zoomed,
    "ghost": optics_faults.ghost,
    "pixelated": sensor_faults.pixelated,
    "sharpened": sensor_faults.sharpened,
    "smeared": sensor_faults.smeared,
    "grain": sensor_faults.grain,
    "weather": optics_faults.weather,
    "occluded": optics_faults.occluded,
    "lens": optics_faults.lens,
    "coded": sensor_faults.coded,
}
"""Every family by name. `apply` may leave some out, to measure how a net does on what it never saw."""


def apply(image: Image, name: str, amount: float, rng: np.random.Generator) -> Image:
    """A new (H, W, 3) u8 BGR picture with the fault `name` of strength `amount`, 0..1."""
    return FAMILIES[name](image, amount, rng)
