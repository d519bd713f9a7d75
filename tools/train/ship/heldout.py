"""What scores are measured with: people never trained on, and model files as functions of planes."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tools.train import paths
from tools.train.material import pictures
from tools.train.material.canvases import canvas_of, central_face
from tools.train.material.pictures import Image, Planes
from tools.train.material.teachers import FaceFinder, session

NUM_FACES = 120
Net = Callable[[Planes], Planes]


def net(path: Path, multiple: int = 1) -> Net:
    """A model as a function of planes (C, H, W) f32 0..255; sides padded to `multiple` by reflection and cut again."""
    run = session(str(path), 1)

    def apply(planes: Planes) -> Planes:
        height, width = planes.shape[1:]
        more = [(0, 0), (0, -height % multiple), (0, -width % multiple)]
        (out,) = run.run(None, {"image": np.pad(planes, more, mode="reflect")[None]})
        factor = out.shape[2] // (height + more[1][1])
        return np.asarray(out[0, :, : height * factor, : width * factor], np.float32)

    return apply


def picture(planes: Planes) -> Image:
    """(C, H, W) f32 -> (H, W, 3) u8."""
    out = pictures.bytes_of(planes).astype(np.uint8).transpose(1, 2, 0)
    return np.ascontiguousarray(np.repeat(out, 3, 2) if out.shape[2] == 1 else out)


@functools.lru_cache
def dev_canvases(number: int = NUM_FACES) -> tuple[Image, ...]:
    """Canvases of held-out people, one picture each."""
    find, found = FaceFinder(), []
    names = [line.split("\t")[0] for line in (paths.LFW / "people_dev.txt").read_text().splitlines()[1:]]
    for name in names:
        image = paths.read_picture(sorted((paths.LFW / "images" / name).glob("*.jpg"))[0])
        if image is None:
            continue
        face = central_face(find(image), image.shape[1], image.shape[0])
        if face is not None:
            found.append(canvas_of(image, face[4:14].reshape(5, 2)))
        if len(found) == number:
            break
    return tuple(found)
