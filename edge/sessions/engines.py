"""What GPU providers are told, and where the engines lie that TensorRT builds: by device, driver, runtime and model.

Building takes minutes. So a service begins on the CPU, builds behind that, and the session changes over once the
engine reproduces the model's known answer. Nothing of this has run on a GPU yet.
"""

from __future__ import annotations

import hashlib
import logging
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import onnxruntime as ort

from edge.errors import ModelError

log = logging.getLogger(__name__)

TENSORRT, CUDA, CPU = "TensorrtExecutionProvider", "CUDAExecutionProvider", "CPUExecutionProvider"
EVERY_FRAME = frozenset({"detect", "embed"})
"""Tasks whose models run all the time. Only they get engines: other nets see faces of every size, each a build anew."""
DRIVERS = (Path("/proc/driver/nvidia/version"), Path("/etc/nv_tegra_release"))
_CARDS, _BOARD = Path("/proc/driver/nvidia/gpus"), Path("/proc/device-tree/model")
_BUILT = "built"
"""A file in an engine's folder once it has answered right; without it what lies there was broken off."""
Provider = str | tuple[str, dict[str, str]]


def gpu_facts(
    cards: Path = _CARDS, board: Path = _BOARD, drivers: Sequence[Path] = DRIVERS, version: str = ort.__version__
) -> dict[str, str]:
    """What an engine depends on apart from its model; `none` for what this machine doesn't tell."""
    models = [
        line.partition(":")[2].strip()
        for path in sorted(cards.glob("*/information"))
        for line in _text(path).splitlines()
        if line.startswith("Model:")
    ]
    driver = next((_text(path).splitlines()[0] for path in drivers if _text(path)), "none")
    return {"device": ", ".join(models) or _text(board) or "none", "driver": driver, "onnxruntime": version}


def engine_key(sha256: str, facts: Mapping[str, str]) -> str:
    """The name of an engine's folder."""
    told = "\n".join([sha256, *(f"{name}={value}" for name, value in sorted(facts.items()))])
    return hashlib.sha256(told.encode()).hexdigest()[:32]


def options_of(provider: str, precision: str, folder: Path | None) -> dict[str, str]:
    """Options of onnxruntime-gpu's provider, as text; `folder` is where TensorRT keeps its engine."""
    if provider == CUDA:
        # The exhaustive search tries each convolution for seconds at the first frame, and again for each other size.
        return {"device_id": "0", "cudnn_conv_algo_search": "HEURISTIC", "arena_extend_strategy": "kSameAsRequested"}
    if provider != TENSORRT:
        return {}
    kept = {} if folder is None else {"trt_engine_cache_path": str(folder), "trt_timing_cache_path": str(folder)}
    switches = {
        "trt_engine_cache_enable": folder is not None,
        "trt_timing_cache_enable": folder is not None,
        "trt_int8_enable": precision == "int8",
        "trt_fp16_enable": precision == "fp16",
    }
    return {"device_id": "0", **{name: str(on) for name, on in switches.items()}, **kept}


class Replaceable(Protocol):
    """A session, as far as it matters here."""

    choice: str

    @property
    def provider(self) -> str: ...

    def take_over(self, other: Any) -> None: ...


@dataclass(frozen=True, slots=True)
class Pending:
    """A session that runs on the CPU for now; `build` makes the one that it is to run as, and raises ModelError."""

    name: str
    session: Replaceable
    build: Callable[[], Replaceable]


@dataclass(frozen=True, slots=True)
class Engines:
    """The engines of one box, in a folder of their own; engines of another device, driver or model are not seen."""

    folder: Path
    is_later: bool = False
    """Whether a model without its engine runs on the CPU until that was built; else whoever loads it waits."""
    facts: Mapping[str, str] = field(default_factory=gpu_facts)
    pending: list[Pending] = field(default_factory=list)

    def place(self, sha256: str) -> Path:
        """The folder of a model's engine."""
        return self.folder / engine_key(sha256, self.facts)

    def is_built(self, sha256: str) -> bool:
        """Whether a model's engine is there and has answered right."""
        return (self.place(sha256) / _BUILT).is_file()

    def prepare(self, sha256: str) -> Path:
        """The folder to build in, empty unless the engine is there; raises ModelError."""
        place = self.place(sha256)
        if not self.is_built(sha256):
            shutil.rmtree(place, ignore_errors=True)
        try:
            place.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ModelError(
                f"{place}: no engine can be kept there ({error.strerror}); check the data folder"
            ) from None
        return place

    def keep(self, sha256: str) -> None:
        """From now on this engine counts; where that can't be noted, it is used all the same and built anew later."""
        mark = self.place(sha256) / _BUILT
        try:
            mark.touch()
        except OSError as error:
            log.warning("%s: can't be written (%s); the next start builds this engine anew", mark, error.strerror)


def providers_for(task: str, names: Sequence[str], available: Sequence[str]) -> list[str]:
    """The providers for a task, best first, of those that were chosen: TensorRT is for what runs on every frame."""
    if task in EVERY_FRAME or TENSORRT not in names:
        return list(names)
    return [name for name in (CUDA, CPU) if name in available or name == CPU]


def with_options(names: Sequence[str], precision: str, folder: Path | None) -> list[Provider]:
    """The providers as onnxruntime takes them."""
    told = [(name, options_of(name, precision, folder)) for name in names]
    return [(name, options) if options else name for name, options in told]


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace").strip("\0 \n")
    except OSError:
        return ""
