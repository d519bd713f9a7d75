"""LIME: brighten a dark picture by the illumination map of Guo, Li and Ling (2017). Nothing else changes pixels here.

X. Guo, Y. Li, H. Ling, "LIME: Low-light Image Enhancement via Illumination Map Estimation", IEEE Transactions on
Image Processing 26(2), 2017. Equation numbers below are that paper's. Kernels assume valid input; the two public
functions check it. `tests/support/twins.py` holds the slow twin.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from edge.arrays import MAX_PIXELS
from edge.errors import ImageError
from edge.pixels.light.lime_fast import num_halvings, relight_fast, solve_map
from edge.pixels.light.lime_kernels import (
    add_ordered,
    brightest,
    gradients,
    invert,
    pull,
    relight,
    right_side,
    shrink,
    smooth_columns,
    smooth_rows,
)
from edge.pixels.light.screened import F32, ScreenedGrid

U8 = NDArray[np.uint8]
Solver = Literal["admm", "fast"]

SOLVERS: tuple[Solver, ...] = ("admm", "fast")
"""`admm`: Algorithm 1 of the paper, exact. `fast`: its sped-up objective (equations 18, 19), for faces and frames."""

ALPHA = 0.15
RHO = 1.3
MU0 = 2.0
ITERATIONS = 40
GAMMA = 0.8
TOLERANCE = 1e-5
WEIGHT_EPSILON = 1e-3
DIVISION_EPSILON = 1e-3
SIGMA = 2.0
RADIUS = 2


class Weighting(IntEnum):
    """How strongly each gradient of the map is held down: the paper's three strategies."""

    UNIFORM = 1
    """Equation 20: everywhere alike."""
    INVERSE_GRADIENT = 2
    """Equation 21: the less, the steeper the initial map is there."""
    RELATIVE = 3
    """Equation 22: the less, the steeper the Gaussian mean of the initial map's gradients; texture is held down."""


def illumination(
    source: U8 | F32,
    *,
    alpha: float = ALPHA,
    rho: float = RHO,
    mu0: float = MU0,
    iterations: int = ITERATIONS,
    weighting: Weighting | int = Weighting.INVERSE_GRADIENT,
    solver: Solver = "admm",
    halvings: int = 0,
) -> F32:
    """Estimate how much light falls on each pixel.

    Parameters
    ----------
    source : (H, W, C) or (H, W) uint8 0..255 (C = 1 or 3, any channel order), or (H, W) floating 0..1
        The picture, or its brightest channel. Not changed. At least 1 x 1, at most `MAX_PIXELS` pixels.
    alpha : float, 0 or more
        Weight of smoothness against fidelity to the brightest channel.
    rho : float, 1 or more
        Growth of the penalty per iteration.
    mu0 : float, above 0
        Penalty of the first iteration.
    iterations : int, 1 or more
        Most iterations done; fewer when the stopping rule of the paper holds.
    weighting : Weighting or 1, 2, 3
    solver : "admm" or "fast"
        The fast one has no use for `rho`, `mu0` and `iterations`; its map is another one, as the paper's is.
    halvings : int, 0 or more
        How often the fast solver halves the grid before it solves; 0 is within 2 % RMS of a direct solution.

    Returns
    -------
    (H, W) float32, 0..1
        A new array.

    Raises
    ------
    ImageError
        If `source` is not such an array, or a number is out of its limits.

    Notes
    -----
    The initial map is equation 3; the objective is equation 8; the T-, G- and Z-steps are equations 13, 15 and 16.
    Deviations: (a) gradients end at the border (T-step by DCT) where the paper wraps around (FFT), because the two
    sides of a picture have nothing to do with each other; (b) each T-step solves for the change of T, the same
    equation, which keeps float32 exact enough when the penalty has grown; (c) the result is clipped to 0..1.
    """
    if alpha < 0 or rho < 1 or mu0 <= 0 or iterations < 1:
        raise ImageError(
            f"LIME can't run with alpha={alpha}, rho={rho}, mu0={mu0}, iterations={iterations}: "
            "alpha must be 0 or more, rho 1 or more, mu0 above 0, iterations 1 or more"
        )
    if solver not in SOLVERS or halvings < 0:
        raise ImageError(
            f"LIME has no solver {solver!r} with {halvings} halvings: pass admm or fast, and 0 halvings or more"
        )
    initial = _initial_map(source)
    if solver == "fast":
        return solve_map(initial, alpha, _known(weighting), WEIGHT_EPSILON, halvings)
    horizontal, vertical = _weights(initial, weighting)
    return _solve(initial, horizontal, vertical, alpha, rho, mu0, iterations)


def enhance_lowlight(
    image: U8,
    *,
    gamma: float = GAMMA,
    alpha: float = ALPHA,
    rho: float = RHO,
    mu0: float = MU0,
    iterations: int = ITERATIONS,
    weighting: Weighting | int = Weighting.INVERSE_GRADIENT,
    solver: Solver = "admm",
    calm: bool = False,
) -> U8:
    """Brighten a dark picture, a face as well as a whole frame: divide it by its illumination map.

    Parameters
    ----------
    image : (H, W, 3) or (H, W) uint8, any channel order, 0..255
        Not changed. At least 1 x 1, at most `MAX_PIXELS` pixels.
    gamma : float, 0..1
        Exponent on the map: 0 changes nothing, 1 takes the light away altogether.
    alpha, rho, mu0, iterations, weighting, solver
        As in `illumination`; the fast solver halves the grid of large pictures (`lime_fast.num_halvings`).
    calm : bool
        Even out what noise the dark places have, on luma, with the fast solver (see `light.calm`).

    Returns
    -------
    uint8, shape of `image`
        A new array. Hue is kept: the channels of a pixel are multiplied by the same gain.

    Raises
    ------
    ImageError
        If `image` is not such an array, or a number is out of its limits.

    Notes
    -----
    R = L / (T^gamma + eps): equation 4 with the map raised to the gamma the paper recommends. Deviation: the gain of
    a pixel is held to the most that leaves its brightest channel within range, where the paper clips channels and so
    shifts hue; with the fast solver, no channel becomes white that was not.
    For the paper's denoising of the result (BM3D) there is `calm` and a step of its own.
    """
    if not 0 <= gamma <= 1:
        raise ImageError(f"LIME can't run with gamma={gamma}: pass 0..1")
    if solver == "fast":
        initial = _initial_map(image)
        halvings = num_halvings(*initial.shape)
        light = illumination(initial, alpha=alpha, weighting=weighting, solver=solver, halvings=halvings)
        return relight_fast(_as_pixels(image), initial, light, gamma, DIVISION_EPSILON, calm).reshape(image.shape)
    light = illumination(image, alpha=alpha, rho=rho, mu0=mu0, iterations=iterations, weighting=weighting)
    pixels = _as_pixels(image)
    out = np.empty(pixels.shape, np.uint8)
    relight(pixels, light, np.float32(gamma), np.float32(DIVISION_EPSILON), out)
    return out.reshape(image.shape)


def warm_up() -> None:
    """Compile every kernel of this module, so that no later call pauses for it."""
    image = np.zeros((3, 3, 3), np.uint8)
    for weighting in Weighting:
        enhance_lowlight(image, iterations=1, weighting=weighting)
    frame = np.random.default_rng(0).integers(0, 60, (400, 300, 3), np.uint8)  # noisy, and large enough to be halved
    for weighting in Weighting:
        enhance_lowlight(frame, weighting=weighting, solver="fast", calm=True)
    for frozen in (image, frame):  # numba compiles once more for arrays that may not be written to, as frames are
        frozen.flags.writeable = False
    enhance_lowlight(image, iterations=1)
    enhance_lowlight(frame, solver="fast", calm=True)


def _as_pixels(image: U8) -> U8:
    """(H, W, C) and contiguous: the only layout the kernels are compiled for."""
    return np.ascontiguousarray(image if image.ndim == 3 else image[:, :, np.newaxis])


def _initial_map(source: Any) -> F32:
    """Equation 3, or the caller's own map."""
    shape = getattr(source, "shape", type(source).__name__)
    if not isinstance(source, np.ndarray) or source.size == 0 or source.ndim not in (2, 3):
        raise ImageError(f"LIME can't read {shape}: pass an (H, W, 3) or (H, W) array with at least one pixel")
    if source.shape[0] * source.shape[1] > MAX_PIXELS:
        raise ImageError(f"LIME can't read {shape}: more than {MAX_PIXELS} pixels; shrink the picture first")
    if source.dtype == np.uint8 and (source.ndim == 2 or source.shape[2] in (1, 3)):
        return brightest(_as_pixels(source))
    if np.issubdtype(source.dtype, np.floating) and source.ndim == 2:
        if not np.isfinite(source).all() or source.min() < 0 or source.max() > 1:
            raise ImageError("LIME can't read this map: it must be finite and within 0..1")
        return np.ascontiguousarray(source, dtype=np.float32)
    raise ImageError(f"LIME can't read {shape} {source.dtype}: pass uint8 with 1 or 3 channels, or a 2-D map in 0..1")


def _known(weighting: Weighting | int) -> int:
    if weighting not in list(Weighting):
        raise ImageError(f"LIME has no weighting {weighting}: pass 1, 2 or 3")
    return int(weighting)


def _weights(initial: F32, weighting: Weighting | int) -> tuple[F32, F32]:
    """Horizontal and vertical weights W of equation 8, each (H, W)."""
    _known(weighting)
    horizontal, vertical = np.empty_like(initial), np.empty_like(initial)
    if weighting == Weighting.UNIFORM:
        horizontal.fill(1.0)
        vertical.fill(1.0)
        return horizontal, vertical
    gradients(initial, horizontal, vertical)
    if weighting == Weighting.RELATIVE:
        offsets = np.arange(-RADIUS, RADIUS + 1)
        window = np.exp(-(offsets**2) / (2 * SIGMA**2)).astype(np.float32)
        spare = np.empty_like(initial)
        for slopes in (horizontal, vertical):
            smooth_rows(slopes, window, spare)
            smooth_columns(spare, window, slopes)
    for slopes in (horizontal, vertical):
        invert(slopes, np.float32(WEIGHT_EPSILON))
    return horizontal, vertical


def _solve(initial: F32, wh: F32, wv: F32, alpha: float, rho: float, mu0: float, iterations: int) -> F32:
    """Algorithm 1: alternate T-, G- and Z-steps under a growing penalty."""
    grid = ScreenedGrid(*initial.shape)
    light = initial.copy()
    zh, zv = np.zeros_like(initial), np.zeros_like(initial)
    qh, qv = np.empty_like(initial), np.empty_like(initial)
    limit = (TOLERANCE**2) * float(np.vdot(initial, initial))
    mu = mu0
    pull(light, np.float32(mu), qh, qv)
    for _ in range(iterations):
        right_side(initial, light, qh, qv, grid.rows, grid.columns, grid.work)
        add_ordered(light, grid.solve(mu), grid.rows, grid.columns)
        gap = shrink(light, wh, wv, np.float32(alpha), np.float32(mu), np.float32(mu * rho), zh, zv, qh, qv)
        if gap <= limit:
            break
        mu *= rho
    return np.clip(light, 0.0, 1.0, out=light)
