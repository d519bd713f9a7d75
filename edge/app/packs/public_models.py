"""Public models an owner may bring, as `public_models.json` knows them: how pictures go in, licence, strangers.

No weights are here. A file is recognised by its SHA-256; for one that is not, its name may tell a documented format.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from edge.errors import ModelError
from edge.sessions import InputSpec
from edge.strict import Strict

FOLDER = Path(__file__).parent / "public"
TABLE = FOLDER / "public_models.json"
AdoptedTask = Literal["detect", "embed"]


class Strangers(Strict):
    """(count, dim + own_dim) little-endian float16: embeddings of drawn strangers by the public and by our embedder.

    Each half of a row has length 1. The second half holds for the embedder `own_sha256` alone.
    """

    kind: Literal["color", "gray"]
    file: str
    sha256: str
    count: int = Field(gt=0)
    dim: int = Field(gt=0)
    own_sha256: str
    own_dim: int = Field(gt=0)
    drawn_over_real: dict[str, dict[str, float]] = Field(default_factory=dict)
    made_by: str = ""

    def vectors(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """(count, dim) by the public embedder and (count, own_dim) by ours."""
        rows = np.frombuffer((FOLDER / self.file).read_bytes(), "<f2").astype(np.float64)
        rows = rows.reshape(self.count, self.dim + self.own_dim)
        return rows[:, : self.dim], rows[:, self.dim :]


class PublicModel(Strict):
    """One known file."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    task: AdoptedTask
    input: InputSpec
    licence: str = Field(min_length=1)
    limits: str = ""
    strangers: tuple[Strangers, ...] = ()


class PublicFormat(Strict):
    """A documented input format, told by the beginning of a file's name."""

    name: str
    prefixes: tuple[str, ...]
    task: AdoptedTask
    input: InputSpec
    licence: str


def find_public(sha256: str) -> PublicModel | None:
    """The known file with that SHA-256."""
    return next((one for one in _table()[0] if one.sha256 == sha256), None)


def find_format(stem: str, task: AdoptedTask) -> PublicFormat:
    """The format that a file's name tells, or the usual one for the task."""
    formats = [one for one in _table()[1] if one.task == task]
    named = (one for one in formats if one.prefixes and stem.lower().startswith(one.prefixes))
    return next(named, next(one for one in formats if not one.prefixes))


@cache
def _table() -> tuple[tuple[PublicModel, ...], tuple[PublicFormat, ...]]:
    try:
        held: dict[str, Any] = json.loads(TABLE.read_text("utf-8"))
        models = tuple(PublicModel.model_validate(one) for one in held["models"])
        return models, tuple(PublicFormat.model_validate(one) for one in held["formats"])
    except (OSError, ValueError, KeyError) as error:
        raise ModelError(f"{TABLE}: can't be read ({error}); install the release again") from None
