"""Learned steps: runs a model of the pack over a picture of any size. `planner` decides which step runs when."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from edge.arrays import MAX_PIXELS, BgrImage
from edge.config import RuntimeConfig
from edge.enhance.steps import StepKind
from edge.errors import ImageError, ModelError
from edge.pixels.chroma import repaint
from edge.pixels.color import is_exactly_gray
from edge.pixels.light import lightened, lime
from edge.pixels.luma import luma_255, with_luma_255
from edge.pixels.resize import resize
from edge.pixels.tiles import Progress, Tiling, run_tiled
from edge.sessions import Pack, Session
from edge.sessions.manifest import Task

F32 = NDArray[np.float32]
TILE_PX = 256
BLEND_PX = 16
MAX_BORDER_PX = 4
"""Width in px of the reflected border around a picture that fits into one tile; it hides a network's black border."""
MAX_RATIO = 8
_PROBE_PX = 64


class Network:
    """One model that changes pictures. `scale` is how much larger its output is than its input."""

    def __init__(self, session: Session) -> None:
        self.session = session
        height, width = session.fixed_size or (_PROBE_PX, _PROBE_PX)
        probe = self._call(np.zeros((session.spec.channels, height, width), np.float32))
        scale = probe.shape[1] // height
        if probe.shape != (session.spec.channels, height * scale, width * scale) or not 1 <= scale <= MAX_RATIO:
            raise ModelError(
                f"{session.info.file}: makes {probe.shape} of {session.spec.channels} x {height} x {width}, no picture "
                "of a multiple of its size; restore the pack"
            )
        self.scale = scale

    def tiling(self) -> Mapping[str, int]:
        """The tile sizes, as a recipe records them."""
        reach = self.session.spec.margin
        side = max(TILE_PX, 4 * reach)
        if self.session.fixed_size:
            reach = min(reach, min(self.session.fixed_size) // 4)
        return {
            "tile_px": side,
            "context_px": reach,
            "blend_px": min(reach, BLEND_PX),
            "border_px": min(reach, MAX_BORDER_PX),
        }

    def run(self, image: BgrImage, factor: int, params: Mapping[str, Any], progress: Progress | None) -> BgrImage:
        """The picture `factor` times as large, changed.

        Luma models change luma and keep the colors, which are enlarged cubically, or freed from noise. A model
        that enlarges less than `factor` is given the cubically enlarged picture. Gray pictures stay gray.
        """
        if factor % self.scale:
            raise ModelError(f"{self.session.info.file}: enlarges {self.scale} times, the step {factor} times")
        height, width = image.shape[0] * factor, image.shape[1] * factor
        if height * width > MAX_PIXELS:
            raise ImageError(
                f"{image.shape[1]} x {image.shape[0]} px would become {width} x {height}, more than {MAX_PIXELS} px: "
                "cut or shrink the picture first"
            )
        tiling = Tiling(
            side=int(params["tile_px"]),
            context=int(params["context_px"]),
            blend=int(params["blend_px"]),
            multiple=self.session.spec.multiple,
            border=int(params["border_px"]),
            fixed=self.session.fixed_size,
        )
        large = image if factor == 1 else resize(image, height, width)
        source = large if self.scale < factor else image
        if self.session.spec.channels == 1:
            done = run_tiled(self._scaled(luma_255(source)[np.newaxis]), self._call, self.scale, tiling, progress)
            return repaint(large, done[0]) if factor == 1 else with_luma_255(large, done[0])
        order = (2, 1, 0) if self.session.spec.color == "RGB" else (0, 1, 2)
        planes = np.stack([source[:, :, channel] for channel in order]).astype(np.float32)
        done = run_tiled(self._scaled(planes), self._call, self.scale, tiling, progress)
        pixels = np.clip(done + np.float32(0.5), 0, 255).astype(np.uint8)
        out = np.ascontiguousarray(np.stack([pixels[order.index(channel)] for channel in range(3)], axis=-1))
        return with_luma_255(large, luma_255(out)) if is_exactly_gray(image) else out

    def _scaled(self, planes: F32) -> F32:
        spec = self.session.spec
        if not any(spec.mean) and all(value == 1.0 for value in spec.std):
            return planes
        mean, std = (np.array(values[: len(planes)], np.float32).reshape(-1, 1, 1) for values in (spec.mean, spec.std))
        return np.asarray((planes - mean) / std, np.float32)

    def _call(self, tile: F32) -> F32:
        outputs = list(self.session.run(tile[np.newaxis]).values())
        if len(outputs) != 1 or outputs[0].ndim != 4:
            raise ModelError(f"{self.session.info.file}: must have one picture as its output; restore the pack")
        return np.asarray(outputs[0][0], np.float32)


class Networks:
    """The enhancement models of a pack, each loaded when it is first used. For one thread at a time."""

    def __init__(self, pack: Pack | None = None, runtime: RuntimeConfig | None = None) -> None:
        self._pack, self._runtime = pack, runtime or RuntimeConfig()
        self._loaded: dict[tuple[str, str], Network] = {}

    def default_of(self, step: str) -> str | None:
        """Name of the model a step uses unless told otherwise; None where the pack has none."""
        models = self._pack.manifest.models if self._pack else ()
        return next((entry.name for entry in models if entry.task == step and entry.default), None)

    def get(self, step: str, model: str) -> Network:
        """The network of a step; raises ModelError where the pack has no such model."""
        if self._pack is None:
            raise ModelError(f"the step {step!r} needs a model, and no model pack was given; run it with --config")
        key = (step, model)
        if key not in self._loaded:
            entry = self._pack.find(cast(Task, step), model)
            self._loaded[key] = Network(self._pack.load(entry, self._runtime))
        return self._loaded[key]

    def load_all(self, steps: Mapping[str, StepKind]) -> None:
        """Load the default model of every step, so that no later call pauses for it."""
        for step in steps:
            model = self.default_of(step)
            if model is not None:
                self.get(step, model)

    def describe(self) -> dict[str, dict[str, Any]]:
        """JSON-ready, per step: the models that are loaded."""
        return {step: network.session.describe() for (step, _), network in list(self._loaded.items())}


def warm_up(load: Callable[[], None] | None = None) -> None:
    """Compile and load all that the steps and the lightened view need, so that no later call pauses for it."""
    lime.warm_up()
    lightened.warm_up()
    if load is not None:
        load()
