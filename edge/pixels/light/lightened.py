"""A whole live frame made readable for the eye: LIME's map from a small copy, applied to every pixel.

For a view and nothing else: what is analysed or stored never passes through here. `lime` is the exact one. The map is
the fast solver's on a picture of 320 px, so its edges are up to four pixels of a 720p frame wide.
"""

from __future__ import annotations

import cv2
import numpy as np

from edge.arrays import BgrImage, require_bgr
from edge.errors import ImageError
from edge.pixels.jit import loose_kernel
from edge.pixels.light.lime import DIVISION_EPSILON, illumination
from edge.pixels.light.lime_kernels import U8
from edge.pixels.light.screened import F32

MAP_PX = 320
"""Longer side of the picture that the map is solved on."""
GAMMA = 0.6
"""Milder than for faces: dark yards become readable, noise and lamps stay bearable."""
MAX_GAIN = 12.0
"""Most that a pixel is multiplied with: beyond it a dark sensor shows its noise alone."""


def lighten_frame(image: BgrImage, gamma: float = GAMMA) -> BgrImage:
    """Brighten a dark frame for somebody who looks at it.

    Parameters
    ----------
    image : (H, W, 3) uint8 BGR, 0..255
        Not changed.
    gamma : float, 0..1
        Exponent on the map: 0 changes nothing but rounding, 1 takes the light away altogether.

    Returns
    -------
    (H, W, 3) uint8 BGR
        A new array. Hue is kept: the channels of a pixel are multiplied by the same gain, at most `MAX_GAIN`, and by no
        more than leaves the brightest of them within range.

    Raises
    ------
    ImageError
        Not a BGR picture, or a gamma out of its limits.

    Notes
    -----
    R = L / (T^gamma + eps) (see `lime.enhance_lowlight`, equation 4 of the paper). Deviations: T is solved on a small
    picture and its gains are brought back bilinearly; gains are bounded.
    """
    require_bgr(image)
    if not 0 <= gamma <= 1:
        raise ImageError(f"a frame can't be lightened with gamma={gamma}: pass 0..1")
    height, width = image.shape[:2]
    gains = cv2.resize(gain_map(image, gamma), (width, height), interpolation=cv2.INTER_LINEAR)
    out = np.empty_like(image, order="C")
    multiply(np.ascontiguousarray(image), np.asarray(gains, np.float32), _LIMITS, out)
    return out


def gain_map(image: BgrImage, gamma: float) -> F32:
    """Gains of a small copy of the frame: (h, w) float32, 1..`MAX_GAIN`, its longer side at most `MAP_PX`."""
    height, width = image.shape[:2]
    scale = min(1.0, MAP_PX / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = image if scale == 1.0 else cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    light = illumination(np.ascontiguousarray(small, np.uint8), solver="fast")
    return np.asarray(np.clip(1.0 / (light**gamma + DIVISION_EPSILON), 1.0, MAX_GAIN), np.float32)


@loose_kernel
def multiply(pixels: U8, gains: F32, limits: F32, out: U8) -> None:
    """Each pixel of (H, W, 3) times its gain of (H, W), at most `limits` (256,) of its brightest channel; rounded."""
    height, width = gains.shape
    half = np.float32(0.5)
    for i in range(height):
        row, factors, done = pixels[i], gains[i], out[i]
        for j in range(width):
            blue, green, red = row[j, 0], row[j, 1], row[j, 2]
            gain = min(factors[j], limits[max(blue, green, red)])
            done[j, 0] = np.uint8(np.float32(blue) * gain + half)
            done[j, 1] = np.uint8(np.float32(green) * gain + half)
            done[j, 2] = np.uint8(np.float32(red) * gain + half)


def warm_up() -> None:
    """Compile the kernel, also for frames that may not be written to."""
    frame = np.zeros((8, 8, 3), np.uint8)
    lighten_frame(frame)
    frame.flags.writeable = False
    lighten_frame(frame)


_LIMITS = np.float32(255.0) / np.maximum(np.arange(256), 1).astype(np.float32)
"""The gain that brings a brightest channel of so much to 255."""
