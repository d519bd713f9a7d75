"""A loaded model: its provider, threads and warm-up, and `run`. It does not know what the outputs mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from edge.config import RuntimeConfig
from edge.errors import AnswerError, ConfigError, ModelError
from edge.sessions.engines import CPU, CUDA, EVERY_FRAME, TENSORRT, providers_for, with_options
from edge.sessions.header import OnnxHeader
from edge.sessions.known import drawn_input, input_shape
from edge.sessions.manifest import Dim, InputSpec

AUTO_ORDER = (TENSORRT, CUDA, CPU)
_STRIDE_PX = 32
"""Largest stride of a detector."""
_REMOTE = frozenset({"AzureExecutionProvider"})
"""Providers that would send pictures to other machines: never listed, never used."""
Arithmetic = Literal["as built", "exact"]
"""`exact`: no graph optimisations, so quantized layers compute in fp32, as they are defined; several times slower."""
_WARM_UP_SIDE_PX = 320
"""Side of the warm-up picture where the model leaves it free; a multiple of every detector stride."""


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """Identity of a loaded file. `source` is "pack" (promised by a manifest) or "file" (outside any pack)."""

    name: str
    task: str
    file: str
    sha256: str
    precision: str
    source: str
    generative: bool = False
    licence: str = "not stated"


class Session:
    """A model ready to run; made by `Pack.load` and `load_file` only. Safe to call from one thread at a time."""

    def __init__(
        self,
        data: bytes,
        header: OnnxHeader,
        info: ModelInfo,
        spec: InputSpec,
        runtime: RuntimeConfig,
        *,
        arithmetic: Arithmetic = "as built",
        skip: int = 0,
        engine: Path | None = None,
    ) -> None:
        self.info = info
        self.arithmetic = arithmetic
        self.choice = "no pack vouches for this file"
        """Why this file runs on this provider in this arithmetic, in words."""
        self.spec = spec
        self.num_refused = 0
        """Answers that could not be used; see `refuse`."""
        self.threads = runtime.threads
        self._header = header
        self._ort = _open(data, info, runtime, arithmetic, skip, engine)
        inputs = self._ort.get_inputs()
        if len(inputs) != 1:
            raise ModelError(f"{info.file}: has {len(inputs)} inputs, one was expected; use a model of the pack")
        self.input_name = str(inputs[0].name)
        self.input_shape: tuple[Dim, ...] = _dims(inputs[0].shape)
        self.output_shapes: dict[str, tuple[Dim, ...]] = {o.name: _dims(o.shape) for o in self._ort.get_outputs()}
        self._names = list(self.output_shapes)

    @property
    def provider(self) -> str:
        """The execution provider that really runs, such as CPUExecutionProvider."""
        return str(self._ort.get_providers()[0])

    @property
    def precision(self) -> str:
        """int8, fp16, fp32, or unknown for a file outside the pack."""
        return self.info.precision

    @property
    def sha256(self) -> str:
        """SHA-256 of the bytes that were loaded."""
        return self.info.sha256

    @property
    def batch(self) -> int | None:
        """Pictures per run, or None where the model takes any number."""
        size = self.input_shape[0]
        return size if isinstance(size, int) else None

    @property
    def fixed_size(self) -> tuple[int, int] | None:
        """(height, width) the model insists on, or None."""
        height, width = self.input_shape[2:4]
        return (height, width) if isinstance(height, int) and isinstance(width, int) else None

    def run(self, tensor: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        """Run on an (N, 3, H, W) float32 tensor; outputs by name. Raises ModelError where the runtime refuses."""
        try:
            outputs = self._ort.run(self._names, {self.input_name: tensor})
        except Exception as error:  # noqa: BLE001 - onnxruntime raises pybind classes without a common public base
            raise ModelError(
                f"{self.info.file}: failed on an input of shape {tensor.shape} ({_first_line(error)}); "
                f"it takes {self.input_shape}. Run `edge models verify`"
            ) from None
        return dict(zip(self._names, outputs, strict=True))

    def refuse(self, what: str) -> AnswerError:
        """Count an answer that can't be used, and return the error that says so."""
        self.num_refused += 1
        return AnswerError(f"{self.info.file}: {what}; run `edge models verify`")

    def take_over(self, other: Session) -> None:
        """Run as `other` does from the next run on; a run that is under way ends as it began. Of the same file only."""
        if other.sha256 != self.sha256:
            raise ValueError(f"{other.info.file} is another model than {self.info.file}")
        self.choice, self._ort = other.choice, other._ort

    def warm_up(self) -> dict[str, NDArray[np.float32]]:
        """Run once on black, so that the first frame pays no first-run cost and a broken graph shows at start."""
        free = (1, 3, _WARM_UP_SIDE_PX, _WARM_UP_SIDE_PX)
        shape = [d if isinstance(d, int) else free[i] for i, d in enumerate(self.input_shape)]
        return self.run(np.zeros(shape, np.float32))

    def drawn_input(self, seed: int = 1) -> NDArray[np.float32]:
        """An input of blocks drawn from a seed; free sides are such that no stride or halving leaves a remainder."""
        shape = input_shape(self.input_shape, max(self.spec.multiple, _STRIDE_PX))
        return drawn_input(seed, shape, self.spec)

    def describe(self) -> dict[str, Any]:
        """JSON-ready: what is loaded and what runs it."""
        info = self.info
        return {
            "name": info.name,
            "task": info.task,
            "file": info.file,
            "sha256": info.sha256,
            "source": info.source,
            "precision": info.precision,
            "provider": self.provider,
            "arithmetic": self.arithmetic,
            "choice": self.choice,
            "threads": self.threads,
            "opset": self._header.opset,
            "input": list(self.input_shape),
            "generative": info.generative,
            "licence": info.licence,
        }


def available_providers() -> list[str]:
    """Execution providers of the installed runtime that compute on this machine."""
    return [str(name) for name in ort.get_available_providers() if name not in _REMOTE]


def runtime_version() -> str:
    """Version of the installed onnxruntime."""
    return str(ort.__version__)


def choose_providers(wanted: str, available: Sequence[str]) -> list[str]:
    """Providers to ask for, best first; `auto` prefers an accelerator, others must be there. Raises ConfigError."""
    if wanted == "auto":
        return [name for name in AUTO_ORDER if name in available] or [CPU]
    for name in available:
        if name.lower().removesuffix("executionprovider") == wanted.lower().removesuffix("executionprovider"):
            return list(dict.fromkeys([name, *([CUDA] if name == TENSORRT and CUDA in available else []), CPU]))
    raise ConfigError(
        f"runtime.provider = {wanted!r} is not in the installed onnxruntime, which has {', '.join(available)}; "
        "choose one of these or auto, install the build that has it, or let `edge probe` choose anew"
    )


def task_providers(task: str, runtime: RuntimeConfig) -> list[str]:
    """Providers that a model of this task is tried on, best first; raises ConfigError."""
    there = available_providers()
    return providers_for(task, choose_providers(runtime.provider, there), there)


def check_shapes(
    file: str, what: str, promised: Mapping[str, Sequence[Dim]], found: Mapping[str, Sequence[Dim]]
) -> None:
    """Every promised name is there with the promised sizes (a word stands for any); raises ModelError."""
    if set(promised) != set(found):
        raise ModelError(
            f"{file}: its {what} are {sorted(found)}, the manifest promises {sorted(promised)}; restore the pack's file"
        )
    for name, dims in promised.items():
        have = found[name]
        same = len(dims) == len(have) and all(isinstance(d, str) or d == h for d, h in zip(dims, have, strict=True))
        if not same:
            raise ModelError(
                f"{file}: {what[:-1]} {name!r} has shape {list(have)}, the manifest promises {list(dims)}; "
                "restore the pack's file"
            )


def _open(
    data: bytes, info: ModelInfo, runtime: RuntimeConfig, arithmetic: Arithmetic, skip: int, engine: Path | None
) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = runtime.threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # An arena keeps the most that a run ever took, for each model by itself. Detection takes 3 to 14 % longer without;
    # nets that run now and then on faces lose nothing, and give their memory back.
    options.enable_cpu_mem_arena = info.task in EVERY_FRAME
    # Spinning threads burn a core between two frames and take it from capture and the web side.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.inter_op.allow_spinning", "0")
    if arithmetic == "exact":
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    providers = task_providers(info.task, runtime)[skip:]
    try:
        session = ort.InferenceSession(data, options, providers=with_options(providers, info.precision, engine))
    except Exception as error:  # noqa: BLE001 - as above: no common base
        raise ModelError(
            f"{info.file}: onnxruntime can't load it ({_first_line(error)}); restore the file or choose another model"
        ) from None
    check_provider(info.file, runtime.provider, providers, session.get_providers())
    return session


def check_provider(file: str, wanted: str, asked: Sequence[str], running: Sequence[str]) -> None:
    """A provider somebody chose must be the one that runs: onnxruntime falls back to the CPU without a word.

    Raises ModelError; with `auto` nobody chose.
    """
    if wanted != "auto" and running[0] != asked[0]:
        raise ModelError(
            f"{file}: {asked[0]} was chosen, but onnxruntime runs it on {running[0]}; mend the driver, or run "
            "`edge probe` again (or set [runtime] provider)"
        )


def _dims(shape: Sequence[Any]) -> tuple[Dim, ...]:
    return tuple(d if isinstance(d, int) and d > 0 else str(d or "free") for d in shape)


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
