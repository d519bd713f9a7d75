"""Broad, randomised families of camera faults, beside the fixed list of `edge.pixels.degrade`.

The fixed list is what we measure; a net trained on it alone is strong there and weak elsewhere. Each family here draws
its own strength from `amount` (0..1) and its own look from the generator. Pure functions of an image and a generator.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from edge.pixels import degrade
from tools.train.material.faults import cover, light, optics, sensor
from tools.train.material.faults.values import Image

Family = Callable[[Image, float, np.random.Generator], Image]
OF_A_PATH = ("jello", "packets", "flare", "reflection", "dappled")
"""Degradations on the way from the scene to the picture that are families, too."""
FACES_ACROSS = 2.0
"""Widths of a face in the pictures that are given here: a canvas, or what the detector is shown, is about two wide."""


def _of_a_path(name: str) -> Family:
    """A degradation of `edge.pixels.path_faults` that is trained on, up to its level 5."""

    def fault(image: Image, amount: float, rng: np.random.Generator) -> Image:
        return degrade.apply(image, name, 5 * amount, rng_or_seed=rng, face_px=image.shape[1] / FACES_ACROSS)

    return fault


FAMILIES: dict[str, Family] = {
    "veil": light.veil,
    "flat": light.flat,
    "backlight": light.backlight,
    "shadow": light.shadow,
    "overexposed": light.overexposed,
    "lamp": light.lamp,
    "gamma": light.gamma,
    "defocus": optics.defocus,
    "shake": optics.shake,
    "zoomed": optics.zoomed,
    "ghost": optics.ghost,
    "pixelated": sensor.pixelated,
    "sharpened": sensor.sharpened,
    "smeared": sensor.smeared,
    "grain": sensor.grain,
    "weather": optics.weather,
    "occluded": optics.occluded,
    "lens": optics.lens,
    "coded": sensor.coded,
    "glasses": cover.glasses,
    "infrared": cover.infrared,
    "mesh": cover.mesh,
    "letters": cover.letters,
    **{name: _of_a_path(name) for name in OF_A_PATH},
}
"""Every family by name. A training may leave some out, to measure how a net does on what it never saw."""
OF_A_CROP = ("jello", "glasses", "infrared")
"""Families for pictures of one aligned face alone: they move it, or need to know where its eyes are."""

HIDING = ("packets", "reflection", "dappled")
"""Families that hide small faces. A detector that is to find them all the same sees faces where there are none."""


def apply(image: Image, name: str, amount: float, rng: np.random.Generator) -> Image:
    """A new (H, W, 3) u8 BGR picture with the fault `name` of strength `amount`, 0..1."""
    return FAMILIES[name](image, amount, rng)


def draw(rng: np.random.Generator) -> str:
    """The name of a family: one of the path's three times as often as another, because nets are weakest there."""
    names = [*FAMILIES]
    weights = np.array([3.0 if name in OF_A_PATH else 1.0 for name in names])
    return str(rng.choice(names, p=weights / weights.sum()))
