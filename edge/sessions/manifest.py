"""What `manifest.json` promises about each model file; reading it opens no model."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, ValidationError, model_validator

from edge.arrays import BgrImage
from edge.errors import ModelError
from edge.pixels.color import split_channels
from edge.strict import StrictFinite

MANIFEST = "manifest.json"
MAX_OPSET = 19
"""Newest operator set that our oldest supported runtime knows (onnxruntime 1.23)."""

Task = Literal["detect", "embed", "denoise", "deblur", "restore", "sr2", "sr4"]
"""Tasks of models; from `denoise` on these are the names of enhancement steps."""
Precision = Literal["int8", "fp16", "fp32", "unknown"]
Dim = int | str
Triple = Annotated[tuple[float, ...], Field(min_length=3, max_length=3)]


class InputSpec(StrictFinite):
    """How an 8-bit BGR picture becomes the input: `(pixel - mean) / std`, in 0..255 units, channels in `color` order.

    `shape` is N, C, H, W; a word stands for a size that is free. `Y` is one channel: Y' of BT.601, 0..255.
    Free sides must be multiples of `multiple` px; an output pixel depends on what is up to `margin` px away, so tiles
    overlap by that much.
    """

    name: str = "image"
    shape: tuple[Dim, Dim, Dim, Dim] = (1, 3, "h", "w")
    color: Literal["BGR", "RGB", "Y"] = "BGR"
    mean: Triple = (0.0, 0.0, 0.0)
    std: Triple = (1.0, 1.0, 1.0)
    multiple: int = Field(default=1, ge=1, le=64)
    margin: int = Field(default=0, ge=0, le=256)

    @model_validator(mode="after")
    def _sound(self) -> InputSpec:
        if min(self.std) <= 0:
            raise ValueError("std must be above 0")
        if self.shape[1] != self.channels:
            raise ValueError(f"shape must be N, {self.channels}, H, W")
        return self

    @property
    def channels(self) -> int:
        """1 for luma, else 3."""
        return 1 if self.color == "Y" else 3

    def tensor(self, images: NDArray[np.uint8] | BgrImage) -> NDArray[np.float32]:
        """(N, H, W, 3) uint8 BGR -> new (N, 3, H, W) float32."""
        order = (2, 1, 0) if self.color == "RGB" else (0, 1, 2)
        out = np.empty((images.shape[0], 3, *images.shape[1:3]), np.float32)
        for image, planes in zip(images, out, strict=True):
            channels = split_channels(image)
            for channel, source in enumerate(order):
                planes[channel] = channels[source]
        for channel in range(3):
            if self.mean[channel] != 0.0:
                out[:, channel] -= np.float32(self.mean[channel])
            if self.std[channel] != 1.0:
                out[:, channel] *= np.float32(1.0 / self.std[channel])
        return out


class Combination(StrictFinite):
    """Another embedder of the pack that answers beside this one. The cosine of the two together is the weighted sum."""

    model: str = Field(min_length=1, max_length=64)
    weight: float = Field(gt=0, lt=1)
    """Share of the other embedder; this one has the rest."""


class ModelEntry(StrictFinite):
    """One model of the pack. `file` is a plain file name beside the manifest."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")
    task: Task
    file: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}\.onnx$")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    bytes: int = Field(gt=0)
    precision: Precision
    opset: int = Field(ge=7, le=MAX_OPSET)
    input: InputSpec
    outputs: dict[str, tuple[Dim, ...]] = Field(min_length=1)
    default: bool = False
    generative: bool = False
    variant_of: str = Field("", max_length=64)
    """Name of the model that this one is in another precision; `edge probe` chooses between them."""
    combine: Combination | None = None
    """Embedders alone: what answers beside it."""
    licence: str = Field(min_length=1)
    teacher: str = ""
    data: tuple[str, ...] = ()
    limits: str = ""
    scores: dict[str, Any] = Field(default_factory=dict)
    provenance: dict[str, Any] = Field(default_factory=dict)


class StrangersEntry(StrictFinite):
    """Vectors of strangers who don't exist, for one embedder: (count, dim) little-endian float16, row after row."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")
    kind: Literal["color", "gray"]
    file: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}\.f16$")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    bytes: int = Field(gt=0)
    model_sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    count: int = Field(gt=0, le=100_000)
    dim: int = Field(gt=0, le=4096)
    licence: str = Field(min_length=1)
    scores: dict[str, Any] = Field(default_factory=dict)
    provenance: dict[str, Any] = Field(default_factory=dict)


class AnswersEntry(StrictFinite):
    """What the pack's models answered to the demo pictures when it was sealed, as JSON beside the manifest."""

    file: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}\.json$")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    bytes: int = Field(gt=0)


class Manifest(StrictFinite):
    """Every model of a pack, the strangers it is calibrated with, and the answers it was sealed with."""

    version: Literal[1]
    models: tuple[ModelEntry, ...]
    cohorts: tuple[StrangersEntry, ...] = ()
    """Drawn strangers, under the key that packs have always had."""
    golden: AnswersEntry | None = None
    """The recorded answers; the file and this key keep the name that older releases know."""

    @model_validator(mode="after")
    def _unique(self) -> Manifest:
        for what, values in (
            ("name", [(model.task, model.name) for model in self.models]),
            ("file", [*(model.file for model in self.models), *(one.file for one in self.cohorts)]),
            ("cohort", [(one.model_sha256, one.kind) for one in self.cohorts]),
            ("default", [model.task for model in self.models if model.default]),
        ):
            twice = [value for value, count in Counter(values).items() if count > 1]
            if twice:
                raise ValueError(f"two models share the {what} {twice[0]!r}")
        return self


def read_manifest(models_dir: Path) -> Manifest:
    """Read and check `models_dir/manifest.json`; raises ModelError."""
    path = models_dir / MANIFEST
    try:
        return Manifest.model_validate(json.loads(path.read_text("utf-8")))
    except FileNotFoundError:
        raise ModelError(f"{path}: no model pack there; set models_dir to a folder with {MANIFEST}") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "(whole file)"
        raise ModelError(f"{path}: {where}: {first['msg']}; restore the pack's own {MANIFEST}") from None
    except (OSError, ValueError) as error:
        raise ModelError(f"{path}: can't be read as JSON ({error}); restore the pack's own {MANIFEST}") from None
