"""Slow, obvious float64 twins of the fast pixel code. Tests compare the two; nothing else imports this."""

from __future__ import annotations

import numpy as np
from scipy.fft import dctn, fft, idctn, ifft
from scipy.ndimage import convolve1d
from scipy.sparse import csc_array, diags_array
from scipy.sparse.linalg import spsolve


def iou(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Intersection over union of every pair, by the definition."""
    out = np.zeros((len(a), len(b)))
    for i, (ax1, ay1, ax2, ay2) in enumerate(np.asarray(a, np.float64).tolist()):
        for j, (bx1, by1, bx2, by2) in enumerate(np.asarray(b, np.float64).tolist()):
            inter = max(0.0, min(ax2, bx2) - max(ax1, bx1)) * max(0.0, min(ay2, by2) - max(ay1, by1))
            area_a = max(0.0, ax2 - ax1) * max(0.0, ay2 - ay1)
            area_b = max(0.0, bx2 - bx1) * max(0.0, by2 - by1)
            union = area_a + area_b - inter
            out[i, j] = inter / union if union > 0 else 0.0
    return out


def nms(boxes: np.ndarray, scores: np.ndarray, iou_threshold: float) -> list[int]:
    """Take the best remaining box (the first of equals), drop all that overlap it beyond the threshold, repeat."""
    left = list(range(len(boxes)))
    kept: list[int] = []
    while left:
        best = max(left, key=lambda index: (scores[index], -index))
        kept.append(best)
        overlaps = iou(boxes[best : best + 1], boxes)[0]
        left = [index for index in left if index != best and overlaps[index] <= iou_threshold]
    return kept


def blend(
    boxes: np.ndarray, scores: np.ndarray, landmarks: np.ndarray, count: int, min_iou: float
) -> tuple[np.ndarray, np.ndarray]:
    """Each place by itself, term after term in float32."""
    values = np.hstack([boxes, landmarks.reshape(-1, 10)]).astype(np.float32)
    weights = (scores * scores * scores).astype(np.float32)
    placed = values[:count].copy()
    for i in range(count):
        total, place = np.float32(0), np.zeros(14, np.float32)
        for j in range(len(boxes)):
            if j == i or iou(boxes[i : i + 1], boxes[j : j + 1])[0, 0] >= np.float32(min_iou):
                total, place = total + weights[j], place + weights[j] * values[j]
        if total > 0:
            placed[i] = place / total
    return placed[:, :4], placed[:, 4:].reshape(-1, 5, 2)


def gradient(t: np.ndarray, axis: int) -> np.ndarray:
    """Forward differences; 0 where the next pixel is outside."""
    return np.diff(t, axis=axis, append=np.take(t, [-1], axis=axis))


def gradient_transposed(g: np.ndarray, axis: int) -> np.ndarray:
    """The transpose of `gradient`, ignoring what the last pixel of `g` holds."""
    inner = np.delete(g, -1, axis=axis)
    zero = np.zeros_like(np.take(g, [0], axis=axis))
    return np.asarray(np.concatenate([zero, inner], axis=axis) - np.concatenate([inner, zero], axis=axis))


def lime_weights(t_hat: np.ndarray, weighting: int, epsilon: float = 1e-3) -> list[np.ndarray]:
    """Equations 20, 21 and 22 of Guo, Li and Ling (2017); the window of 22 is 5 x 5 with sigma 2."""
    if weighting == 1:
        return [np.ones_like(t_hat), np.ones_like(t_hat)]
    weights = []
    for axis in (1, 0):
        slope = gradient(t_hat, axis)
        if weighting == 3:
            window = np.exp(-(np.arange(-2, 3) ** 2) / 8.0)
            for along in (1, 0):
                inside = convolve1d(np.ones_like(slope), window, axis=along, mode="constant")
                slope = convolve1d(slope, window, axis=along, mode="constant") / inside
        weights.append(1.0 / (np.abs(slope) + epsilon))
    return weights


def lime_t_step(right_side: np.ndarray, mu: float) -> np.ndarray:
    """Equation 13 with a cosine transform: solve (2 + mu D'D) T = right side."""
    eigen = [4 * np.sin(np.pi * np.arange(n) / (2 * n)) ** 2 for n in right_side.shape]
    return np.asarray(idctn(dctn(right_side) / (2 + mu * (eigen[0][:, None] + eigen[1][None, :]))))


def lime_illumination(
    t_hat: np.ndarray, *, alpha: float, rho: float, mu0: float, iterations: int, weighting: int, tolerance: float = 1e-5
) -> np.ndarray:
    """Algorithm 1 of Guo, Li and Ling (2017), as printed: T (13), G (15), Z and mu (16)."""
    t_hat = np.asarray(t_hat, np.float64)
    weights = lime_weights(t_hat, weighting)
    g = [np.zeros_like(t_hat), np.zeros_like(t_hat)]
    z = [np.zeros_like(t_hat), np.zeros_like(t_hat)]
    mu = mu0
    for _ in range(iterations):
        pulls = [gradient_transposed(g[d] - z[d] / mu, axis) for d, axis in enumerate((1, 0))]
        t = lime_t_step(2 * t_hat + mu * (pulls[0] + pulls[1]), mu)
        slopes = [gradient(t, 1), gradient(t, 0)]
        for d in range(2):
            x = slopes[d] + z[d] / mu
            g[d] = np.sign(x) * np.maximum(np.abs(x) - alpha * weights[d] / mu, 0)
            z[d] = z[d] + mu * (slopes[d] - g[d])
        mu *= rho
        if np.sqrt(sum(np.sum((slopes[d] - g[d]) ** 2) for d in range(2))) <= tolerance * np.linalg.norm(t_hat):
            break
    return np.asarray(np.clip(t, 0, 1))


def lime_sped_up_system(t_hat: np.ndarray, *, alpha: float, weighting: int, epsilon: float = 1e-3) -> csc_array:
    """The matrix of equation 19: identity and weighted differences; none across the border."""
    width = t_hat.shape[1]
    diagonal, others = np.ones(t_hat.size), []
    for weight, axis, step in zip(lime_weights(t_hat, weighting), (1, 0), (1, width), strict=True):
        coupling = alpha * weight / (np.abs(gradient(t_hat, axis)) + epsilon)
        coupling[(slice(None), -1) if axis else (-1, slice(None))] = 0
        flat = coupling.ravel()[: t_hat.size - step]
        diagonal[: flat.size] += flat
        diagonal[step:] += flat
        others += [(-flat, step), (-flat, -step)] if flat.size else []
    bands = [(diagonal, 0), *others]
    if width == 1:  # both steps are 1, and the first holds zeros alone
        bands = [bands[0], *bands[3:]]
    return diags_array([b for b, _ in bands], offsets=[k for _, k in bands], shape=(t_hat.size,) * 2, format="csc")


def lime_sped_up(t_hat: np.ndarray, *, alpha: float, weighting: int) -> np.ndarray:
    """Equation 19 by scipy's sparse direct solver, as it is usually done."""
    t_hat = np.asarray(t_hat, np.float64)
    solution = spsolve(lime_sped_up_system(t_hat, alpha=alpha, weighting=weighting), t_hat.ravel())
    return np.asarray(solution).reshape(t_hat.shape)


def lime_prototype(image: np.ndarray, *, alpha: float, rho: float, mu: float, gamma: float) -> np.ndarray:
    """Algorithm 1 as the first prototype had it: ten iterations, differences by dense matrices, one long FFT.

    The transform runs over the picture strung out column by column, so that each column's end meets the next one's
    beginning; `lime_lean` does the same work with less.
    """
    picture = image / 255.0
    height, width = picture.shape[:2]
    t_hat = picture.max(axis=2)
    down = np.eye(height, k=1) - np.eye(height)
    across = np.eye(width, k=-1) - np.eye(width)
    column = np.zeros(t_hat.size)
    column[[0, 1, height, -1, -height]] = 4, -1, -1, -1, -1

    def slopes_of(t: np.ndarray) -> np.ndarray:
        return np.vstack([down @ t, t @ across])

    weights = 1 / (np.abs(slopes_of(t_hat)) + 1)
    g = z = np.zeros((2 * height, width))
    for _ in range(10):
        pull = g - z / mu
        right = 2 * t_hat + mu * (down @ pull[:height] + pull[height:] @ across)
        spectrum = fft(right.T.ravel()) / (fft(column * mu) + 2)
        t = np.clip(np.real(ifft(spectrum).reshape(t_hat.shape, order="F")), 0, 1) * 0.999 + 0.001
        slopes = slopes_of(t)
        x = slopes + z / mu
        g = np.sign(x) * np.maximum(np.abs(x) - alpha * weights / mu, 0)
        z = z + mu * (slopes - g)
        mu *= rho
    lit = picture / np.repeat((t**gamma)[:, :, None], 3, axis=2)
    return np.asarray((np.clip(lit, 0, 1) * 255).astype(np.uint8))


def lime_lean(image: np.ndarray, *, alpha: float, rho: float, mu: float, gamma: float) -> np.ndarray:
    """Algorithm 1 as lean as plain numpy gets: ten iterations, complex 2-D FFT, borders that wrap around."""
    picture = image / 255.0
    t_hat = picture.max(axis=2)
    eigen = [4 * np.sin(np.pi * np.arange(n) / n) ** 2 for n in t_hat.shape]
    laplacian = eigen[0][:, None] + eigen[1][None, :]

    def slopes_of(t: np.ndarray) -> np.ndarray:
        return np.stack([np.roll(t, -1, 1) - t, np.roll(t, -1, 0) - t])

    weights = 1 / (np.abs(slopes_of(t_hat)) + 1e-3)
    g = z = np.zeros((2, *t_hat.shape))
    for _ in range(10):
        pull = g - z / mu
        right = 2 * t_hat + mu * (np.roll(pull[0], 1, 1) - pull[0] + np.roll(pull[1], 1, 0) - pull[1])
        t = np.real(np.fft.ifft2(np.fft.fft2(right) / (2 + mu * laplacian)))
        slopes = slopes_of(t)
        x = slopes + z / mu
        g = np.sign(x) * np.maximum(np.abs(x) - alpha * weights / mu, 0)
        z = z + mu * (slopes - g)
        mu *= rho
    lit = picture / (np.clip(t, 0, 1) ** gamma + 1e-3)[:, :, None]
    return np.asarray((np.clip(lit, 0, 1) * 255).astype(np.uint8))


def lime_relight(image: np.ndarray, light: np.ndarray, gamma: float, epsilon: float = 1e-3) -> np.ndarray:
    """L / (T^gamma + eps), the gain of each pixel held to what keeps its brightest channel within range."""
    pixels = image.reshape(*image.shape[:2], -1) / 255.0
    gain = 1 / (light**gamma + epsilon)
    gain = np.minimum(gain, 1 / np.maximum(pixels.max(axis=2), 1 / 255))
    return np.asarray((pixels * gain[:, :, None]).reshape(image.shape))


def cover_faces(image: np.ndarray, faces: np.ndarray, own: np.ndarray | None, margin: float) -> np.ndarray:
    """Pixel by pixel: hidden within the margin of a face, unless the face that stays is nearer or as near."""

    def distance(box: np.ndarray, x: float, y: float) -> float:
        x1, y1, x2, y2 = np.asarray(box, np.float64).tolist()
        return float(max(abs(x - (x1 + x2) / 2) / ((x2 - x1) / 2), abs(y - (y1 + y2) / 2) / ((y2 - y1) / 2)))

    reach = 1 + 2 * margin
    out = image.copy()
    for face in faces:
        for row in range(image.shape[0]):
            for column in range(image.shape[1]):
                far = distance(face, column + 0.5, row + 0.5)
                near = np.inf if own is None else distance(own, column + 0.5, row + 0.5)
                if far <= reach and not (near <= far and near <= reach):
                    out[row, column] = 0
    return out


def lighten_pixels(pixels: np.ndarray, gains: np.ndarray) -> np.ndarray:
    """Each pixel times its gain, held to what leaves its brightest channel within range; (H, W, 3) int."""
    out = np.zeros(pixels.shape, int)
    for row, column in np.ndindex(*gains.shape):
        brightest = max(int(value) for value in pixels[row, column])
        gain = float(gains[row, column])
        if brightest * gain > 255:
            gain = 255 / brightest
        out[row, column] = [int(value * gain + 0.5) for value in pixels[row, column]]
    return out
