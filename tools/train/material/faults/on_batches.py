"""The faults of `edge.pixels.degrade` for whole batches, on any device: equal in distribution, not bit for bit.

Every function takes (B, 3, H, W) float32 BGR 0..255 and a level per picture (B,), 0..5, and gives a new tensor of whole
codes. A shrink factor is drawn per batch, because one batch has one size: callers cut their batches into groups. JPEG
is its lossy part alone: blocks, quantized coefficients and half chroma, with libjpeg's tables.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from edge.pixels import degrade


def _at(table: Sequence[float], level: Tensor, zero: float) -> Tensor:
    """The table at each level, linear between entries, as `degrade` has it."""
    values = torch.tensor([zero, *table], dtype=torch.float32, device=level.device)
    low = level.floor().clamp(0, len(table) - 1).long()
    return values[low] + (values[low + 1] - values[low]) * (level - low)


def _each(values: Tensor) -> Tensor:
    return values.reshape(-1, 1, 1, 1)


def codes(image: Tensor) -> Tensor:
    """Rounded to 0..255."""
    return (image + 0.5).floor().clamp(0, 255)


def sensor(image: Tensor, light: Tensor, level: Tensor) -> Tensor:
    """Less light, then noise of a sensor, in linear light."""
    unit = image / 255
    linear = torch.where(unit <= 0.04045, unit / 12.92, ((unit + 0.055) / 1.055) ** 2.4) * _each(light)
    read = _each(_at(degrade.DARK_READ, level, 0.0))
    gain = 1 / _each(_at(degrade.DARK_FULL_WELL, level, 10_000.0))
    linear = (linear + torch.randn_like(linear) * (linear * gain + read**2).sqrt()).clamp(0, 1)
    return codes(torch.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055) * 255)


def dark(image: Tensor, level: Tensor, scale: float) -> Tensor:
    """As `degrade`'s `dark`."""
    return sensor(image, _at(degrade.DARK_LIGHT, level, 1.0), level)


def noise(image: Tensor, level: Tensor, scale: float) -> Tensor:
    """As `degrade`'s `noise`."""
    unit, strength = image / 255, _each(level)
    spread = (unit * (degrade.NOISE_SHOT_PER_LEVEL * strength) + (degrade.NOISE_READ_PER_LEVEL * strength) ** 2).sqrt()
    return codes((unit + torch.randn_like(unit) * spread) * 255)


def haze(image: Tensor, level: Tensor, scale: float) -> Tensor:
    """As `degrade`'s `haze`."""
    keep = _each(_at(degrade.HAZE_CONTRAST, level, 1.0))
    veiled = image * keep + (1 - keep) * degrade.HAZE_VEIL
    return codes(veiled + torch.randn_like(image) * degrade.HAZE_NOISE_PER_LEVEL * _each(level))


def _filtered(image: Tensor, kernels: Tensor) -> Tensor:
    """Each picture with its own kernel (B, k, k), k odd; reflected beyond the border."""
    batch, channels, height, width = image.shape
    reach = kernels.shape[-1] // 2
    wide = functional.pad(image, (reach,) * 4, mode="reflect").reshape(1, batch * channels, *_padded(image, reach))
    weight = kernels.repeat_interleave(channels, 0)[:, None]
    return functional.conv2d(wide, weight, groups=batch * channels).reshape(batch, channels, height, width)


def _padded(image: Tensor, reach: int) -> tuple[int, int]:
    return image.shape[2] + 2 * reach, image.shape[3] + 2 * reach


def motion_by(image: Tensor, length_px: Tensor) -> Tensor:
    """Blurred along a line of so many px in any direction."""
    half = (length_px - 1).clamp_min(0) / 2
    reach = max(math.ceil(float(half.max())), 1)
    angle = torch.rand_like(half) * math.pi
    along = torch.linspace(-1, 1, 8 * reach + 1, device=image.device)[None] * half[:, None]
    side = 2 * reach + 2
    x, y = reach + along * angle.cos()[:, None], reach + along * angle.sin()[:, None]
    flat = torch.zeros(len(half), side * side, device=image.device)
    column, row = x.floor(), y.floor()
    for right, below in ((0, 0), (1, 0), (0, 1), (1, 1)):
        weight = (1 - (x - column - right).abs()) * (1 - (y - row - below).abs())
        flat.scatter_add_(1, ((row + below) * side + column + right).long(), weight)
    kernels = flat.reshape(-1, side, side)[:, :-1, :-1]
    return codes(_filtered(image, kernels / kernels.sum((1, 2), keepdim=True)))


def motion(image: Tensor, level: Tensor, scale: float) -> Tensor:
    """As `degrade`'s `motion`."""
    return motion_by(image, _at(degrade.MOTION_PX, level, 1.0) * scale)


def blur(image: Tensor, level: Tensor, scale: float) -> Tensor:
    """As `degrade`'s `blur`."""
    sigma = (_at(degrade.BLUR_SIGMA_PX, level, 0.0) * scale).clamp_min(0.05)
    reach = max(math.ceil(4 * float(sigma.max())), 1)
    line = torch.exp(-(torch.arange(-reach, reach + 1, device=image.device)[None] ** 2) / (2 * sigma[:, None] ** 2))
    line = line / line.sum(1, keepdim=True)
    return codes(_filtered(image, line[:, :, None] * line[:, None, :]))


def shrunk_by(image: Tensor, factor: float) -> Tensor:
    """Shrunk by area and enlarged cubically to the size it had."""
    if factor <= 1:
        return image
    height, width = image.shape[2:]
    size = (max(round(height / factor), 1), max(round(width / factor), 1))
    small = codes(
        torch.einsum("bchw,ih,jw->bcij", image, _areas(height, size[0], image), _areas(width, size[1], image))
    )
    return codes(functional.interpolate(small, size=(height, width), mode="bicubic", align_corners=False))


def _areas(before: int, after: int, like: Tensor) -> Tensor:
    """(after, before): how much of each new pixel is covered by each old one."""
    edges = torch.arange(after + 1, device=like.device, dtype=torch.float32) * (before / after)
    at = torch.arange(before, device=like.device, dtype=torch.float32)
    shared = torch.minimum(edges[1:, None], at + 1) - torch.maximum(edges[:-1, None], at)
    return shared.clamp_min(0) * (after / before)


def lowres(image: Tensor, level: Tensor, scale: float) -> Tensor:
    """As `degrade`'s `lowres`, at the mean level of the batch."""
    return shrunk_by(image, float(_at(degrade.LOWRES_FACTOR, level.mean()[None], 1.0)) * scale)


_LUMA = (
    (16, 11, 10, 16, 24, 40, 51, 61), (12, 12, 14, 19, 26, 58, 60, 55), (14, 13, 16, 24, 40, 57, 69, 56),
    (14, 17, 22, 29, 51, 87, 80, 62), (18, 22, 37, 56, 68, 109, 103, 77), (24, 35, 55, 64, 81, 104, 113, 92),
    (49, 64, 78, 87, 103, 121, 120, 101), (72, 92, 95, 98, 112, 100, 103, 99),
)  # fmt: skip
_CHROMA = (
    (17, 18, 24, 47, 99, 99, 99, 99), (18, 21, 26, 66, 99, 99, 99, 99), (24, 26, 56, 99, 99, 99, 99, 99),
    (47, 66, 99, 99, 99, 99, 99, 99), *(((99,) * 8,) * 4),
)  # fmt: skip
_DCT = np.array(
    [
        [(0.125 if k == 0 else 0.25) ** 0.5 * math.cos((2 * n + 1) * k * math.pi / 16) for n in range(8)]
        for k in range(8)
    ],
    np.float32,
)
_TO_YCC = np.array([[0.114, 0.587, 0.299], [0.5, -0.331264, -0.168736], [-0.081312, -0.418688, 0.5]], np.float32)


def coded(image: Tensor, quality: Tensor) -> Tensor:
    """Through JPEG's losses at each picture's quality, 1..100; chroma at half the size."""
    height, width = image.shape[2:]
    wide = functional.pad(image, (0, -width % 16, 0, -height % 16), mode="replicate")
    matrix = torch.from_numpy(_TO_YCC).to(image.device)
    ycc = torch.einsum("ij,bjhw->bihw", matrix, wide)
    scale = torch.where(quality < 50, 5000 / quality, 200 - 2 * quality)
    luma = _quantized(ycc[:, :1] - 128, _LUMA, scale) + 128
    chroma = functional.interpolate(
        _quantized(functional.avg_pool2d(ycc[:, 1:], 2), _CHROMA, scale), scale_factor=2.0, mode="bilinear"
    )
    back = torch.einsum("ij,bjhw->bihw", torch.linalg.inv(matrix), torch.cat([luma, chroma], 1))
    return codes(back)[:, :, :height, :width]


def _quantized(planes: Tensor, table: Sequence[Sequence[int]], scale: Tensor) -> Tensor:
    """Each 8 x 8 block's coefficients rounded to multiples of the table's, which each picture's `scale` stretches."""
    base = torch.tensor(table, dtype=torch.float32, device=planes.device)
    steps = ((base[None] * scale[:, None, None] + 50) / 100).floor().clamp(1, 255)[:, None, None, None]
    batch, channels, height, width = planes.shape
    blocks = planes.reshape(batch, channels, height // 8, 8, width // 8, 8).permute(0, 1, 2, 4, 3, 5)
    dct = torch.from_numpy(_DCT).to(planes.device)
    kept = (dct @ blocks @ dct.T / steps).round() * steps
    return (dct.T @ kept @ dct).permute(0, 1, 2, 4, 3, 5).reshape(batch, channels, height, width)


def jpeg(image: Tensor, level: Tensor, scale: float) -> Tensor:
    """As `degrade`'s `jpeg`."""
    return coded(image, _at(degrade.JPEG_QUALITY, level, 95.0).round())


def cctv(image: Tensor, level: Tensor, scale: float) -> Tensor:
    """As `degrade`'s `cctv`: moved, coarse (at the mean level of the batch), dark and coded."""
    image = motion_by(image, _at(degrade.CCTV_MOTION_PX, level, 1.0) * scale)
    image = shrunk_by(image, float(_at(degrade.CCTV_LOWRES_FACTOR, level.mean()[None], 1.0)) * scale)
    light, grain = _at(degrade.CCTV_LIGHT, level, 1.0), _at(degrade.CCTV_DARK_LEVEL, level, 0.0)
    image = sensor(image, light, grain)
    return coded(image, torch.full_like(level, degrade.CCTV_JPEG_QUALITY))


FAULTS: dict[str, Callable[[Tensor, Tensor, float], Tensor]] = {
    "dark": dark,
    "motion": motion,
    "blur": blur,
    "lowres": lowres,
    "noise": noise,
    "jpeg": jpeg,
    "haze": haze,
    "cctv": cctv,
}


def apply(image: Tensor, name: str, level: Tensor, face_px: float) -> Tensor:
    """A new batch with the fault `name` of `degrade`, for faces of so many px."""
    return FAULTS[name](image, level, face_px / degrade.REFERENCE_FACE_PX)
