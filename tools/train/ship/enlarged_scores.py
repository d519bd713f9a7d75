"""Scores of faces made four times larger: nearness to the truth, sharpness, and likeness to real faces.

The two distances use face embedders, which were trained for something else, because the usual nets (VGG, Inception) are
not ours to use. They compare rows of one table; they are neither LPIPS nor FID.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from edge.pixels.faces import geometry
from edge.pixels.measures import metrics
from tools.train import common
from tools.train.material import pictures
from tools.train.material.canvases import middle
from tools.train.material.pictures import Planes
from tools.train.material.teachers import Embedder
from tools.train.nets import picture_loss
from tools.train.nets.picture_training import PictureModel
from tools.train.ship.heldout import dev_canvases, net, picture

SIDE_PX = 128
NUM_FACES = 300


def frechet(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """Frechet distance between normal distributions fitted to two sets of vectors, (N, D) each."""
    means = first.mean(0), second.mean(0)
    one, two = np.cov(first.T), np.cov(second.T)
    values, axes = np.linalg.eigh(one)
    root = (axes * np.sqrt(values.clip(0))) @ axes.T
    cross = np.sqrt(np.linalg.eigvalsh(root @ two @ root).clip(0)).sum()
    return float(((means[0] - means[1]) ** 2).sum() + np.trace(one) + np.trace(two) - 2 * cross)


def _detail(image: pictures.Image) -> float:
    shade = pictures.luma(image)[0]
    return float(np.abs(np.diff(shade, axis=0)).mean() + np.abs(np.diff(shade, axis=1)).mean())


def _bicubic(planes: Planes) -> Planes:
    given = torch.from_numpy(planes)[None]
    return np.asarray(functional.interpolate(given, scale_factor=4, mode="bicubic", antialias=True)[0].numpy())


def _pixel_trained(model: PictureModel, checkpoint: Path) -> Callable[[Planes], Planes]:
    trained = model.net().eval()
    trained.load_state_dict(common.load(checkpoint)["averaged"])

    def apply(planes: Planes) -> Planes:
        with torch.no_grad():
            return np.asarray(trained(torch.from_numpy(planes)[None])[0].numpy())

    return apply


def enlarged_table(model: PictureModel, models: dict[str, Path], checkpoint: Path | None) -> dict[str, Any]:
    """Held-out faces of 128 px from 32: bicubic, the generator before it met its critic, and the shipped one."""
    makers: dict[str, Callable[[Planes], Planes]] = {"bicubic": _bicubic}
    if checkpoint is not None and (checkpoint.parent / "pixel" / "checkpoint.pt").is_file():
        makers["pixels only"] = _pixel_trained(model, checkpoint.parent / "pixel" / "checkpoint.pt")
    makers |= {name: net(path) for name, path in models.items()}
    truths = [middle(canvas, SIDE_PX) for canvas in dev_canvases(NUM_FACES)]
    given = [pictures.bytes_of(pictures.smaller(pictures.colors(truth), 4)) for truth in truths]
    features, embed = picture_loss.FaceFeatures.load(), Embedder(mirrored=False)
    border = (SIDE_PX - geometry.ALIGNED_PX) // 2
    inner = slice(border, SIDE_PX - border)
    real = embed(np.stack([truth[inner, inner] for truth in truths])).astype(np.float64)
    rows: dict[str, dict[str, Any]] = {}
    for name, make in makers.items():
        made = [picture(make(small)) for small in given]
        pairs = list(zip(made, truths, strict=True))
        vectors = embed(np.stack([image[inner, inner] for image in made])).astype(np.float64)
        with torch.no_grad():
            far = [features.distance(_batch(image), _batch(truth)) for image, truth in pairs]
        rows[name] = {
            "PSNR": float(np.mean([metrics.psnr(image, truth) for image, truth in pairs])),
            "SSIM": float(np.mean([metrics.ssim(image, truth) for image, truth in pairs])),
            "detail": float(np.mean([_detail(image) / _detail(truth) for image, truth in pairs])),
            "feature distance": float(torch.stack(far).mean()),
            "Frechet distance of embeddings": frechet(vectors, real),
            "cosine": float((vectors * real).sum(1).mean()),
        }
    what = (
        f"{NUM_FACES} held-out faces of {SIDE_PX} px made from 32 px. Detail: mean step between neighbours over the "
        "truth's; feature distance: of our embedder's early layers, in the manner of LPIPS; Frechet distance and "
        "cosine: MobileFaceNet's embeddings. `pixels only`: the net before it met its critic"
    )
    return {"what": what, "rows": rows}


def _batch(image: pictures.Image) -> torch.Tensor:
    return torch.from_numpy(pictures.colors(image))[None]
