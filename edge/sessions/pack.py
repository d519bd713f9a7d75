"""A model folder and its manifest: find an entry, check its file, load it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.config import PACKAGED_MODELS, RuntimeConfig
from edge.errors import EdgeError, ModelError
from edge.sessions.engines import CPU, TENSORRT, Engines, Pending
from edge.sessions.files import header_of, read_file
from edge.sessions.known import KnownAnswer, record
from edge.sessions.manifest import (
    MANIFEST,
    AnswersEntry,
    Manifest,
    ModelEntry,
    StrangersEntry,
    Task,
    read_manifest,
)
from edge.sessions.session import ModelInfo, Session, check_shapes, task_providers
from edge.sessions.trial import Way, start, ways_of

PACKAGED = "packaged"
"""Name of the pack that came with the program. A link to it dangles on purpose: a real path ends with its release."""


def follow(link: Path) -> Path:
    """Resolve a link in the place of models_dir to its folder."""
    return PACKAGED_MODELS.resolve() if link.readlink() == Path(PACKAGED) else link.resolve()


@dataclass(frozen=True, slots=True)
class VerifyResult:
    """One line of `edge models verify`; `problem` is None where the model loads and answers as promised."""

    entry: ModelEntry
    problem: str | None
    provider: str | None

    @property
    def ok(self) -> bool:
        """Whether the model can be used."""
        return self.problem is None


@dataclass(frozen=True, slots=True)
class Pack:
    """A model pack: `models_dir` and what its manifest promises."""

    models_dir: Path
    manifest: Manifest
    engines: Engines | None = None
    """Where TensorRT's engines are kept; None: they are built at each start."""

    @classmethod
    def open(cls, models_dir: Path, engines: Engines | None = None) -> Pack:
        """Read the manifest; no model file is touched. Raises ModelError."""
        # A link is followed once: a pack put in its place meanwhile must not lend its files to this manifest.
        folder = follow(models_dir) if models_dir.is_symlink() else models_dir
        return cls(folder, read_manifest(folder), engines)

    def find(self, task: Task, name: str = "default") -> ModelEntry:
        """The entry called `name`, or the task's default one; raises ModelError that lists the names there are."""
        entries = [entry for entry in self.manifest.models if entry.task == task]
        for entry in entries:
            if entry.name == name or (name == "default" and entry.default):
                return entry
        names = ", ".join(sorted(entry.name for entry in entries)) or "none"
        raise ModelError(f"{self.models_dir}: no {task} model called {name!r}; there are: {names}. Choose one of these")

    def load(self, entry: ModelEntry, runtime: RuntimeConfig) -> Session:
        """A checked and warm session that reproduces its known answer, by the best way there is; raises ModelError.

        Its `info` is that of another file of the pack where only the same model in full precision gives the right
        answer here; its `choice` says so. With `engines.is_later` it begins on the CPU where its engine is not built.
        """
        engines = self.engines
        if engines is not None and engines.is_later and self._lacks_engine(entry, runtime):
            session = self.load(entry, runtime.model_copy(update={"provider": CPU}))
            if session.sha256 == entry.sha256:
                engines.pending.append(Pending(entry.name, session, lambda: self.load_only(entry, runtime)))
            return session
        return self._start(ways_of(entry, runtime, self.twins(entry)), runtime)

    def load_only(self, entry: ModelEntry, runtime: RuntimeConfig) -> Session:
        """As `load`, but never another file; with a provider named in `runtime`, no other provider either."""
        return self._start(ways_of(entry, runtime), runtime)

    def load_exact(self, entry: ModelEntry) -> Session:
        """A session in exact arithmetic on one CPU thread, which answers the same on every machine."""
        return self._open(Way(entry, arithmetic="exact"), RuntimeConfig(threads=1, provider="cpu"))

    def answer(self, entry: ModelEntry, seed: int) -> KnownAnswer:
        """The exact answer to a drawn input, to be kept when the pack is sealed; raises ModelError."""
        session = self.load_exact(entry)
        tensor = session.drawn_input(seed)
        is_picture = entry.task not in ("detect", "embed")
        return record(seed, tensor.shape, session.run(tensor), is_picture=is_picture)

    def identity(self, entry: ModelEntry) -> str:
        """What embeddings of this entry are bound to: its SHA-256, or that of the combination it stands for."""
        if entry.combine is None:
            return entry.sha256
        return combined_sha256(entry.sha256, self.find("embed", entry.combine.model).sha256, entry.combine.weight)

    def known(self, sha256: str) -> KnownAnswer | None:
        """The known answer of a file; None where the pack was sealed without one. Raises ModelError."""
        recorded = (self.recorded_answers() or {}).get("known", {}).get(sha256)
        return None if recorded is None else KnownAnswer.parse(recorded)

    def twins(self, entry: ModelEntry) -> list[ModelEntry]:
        """The same model in full precision, where it is another file."""
        family = entry.variant_of or entry.name
        return [
            other
            for other in self.manifest.models
            if (other.task, other.precision) == (entry.task, "fp32")
            and other.name != entry.name
            and family in (other.name, other.variant_of)
        ]

    def _lacks_engine(self, entry: ModelEntry, runtime: RuntimeConfig) -> bool:
        is_asked = task_providers(entry.task, runtime)[0] == TENSORRT
        return is_asked and self.engines is not None and not self.engines.is_built(entry.sha256)

    def _start(self, ways: list[Way], runtime: RuntimeConfig) -> Session:
        session = start(ways, partial(self._open, runtime=runtime), self.known)
        if self.engines is not None and session.provider == TENSORRT:
            self.engines.keep(session.sha256)
        return session

    def _open(self, way: Way, runtime: RuntimeConfig) -> Session:
        """Check size, SHA-256, opset and shapes, then load and warm up one way; raises ModelError."""
        entry = way.entry
        path = self._path(entry)
        data = read_file(path)
        if len(data) != entry.bytes:
            raise ModelError(
                f"{path}: {len(data)} bytes, the manifest promises {entry.bytes}: cut short or replaced; restore it"
            )
        digest = hashlib.sha256(data).hexdigest()
        if digest != entry.sha256:
            raise ModelError(
                f"{path}: SHA-256 is {digest[:12]}, the manifest promises {entry.sha256[:12]}: altered; restore it"
            )
        header = header_of(path, data)
        if header.opset != entry.opset:
            raise ModelError(
                f"{path}: opset {header.opset}, the manifest promises {entry.opset}; restore the file or the manifest"
            )
        info = ModelInfo(
            entry.name, entry.task, entry.file, digest, entry.precision, "pack", entry.generative, entry.licence
        )
        place = None
        if self.engines is not None and task_providers(entry.task, runtime)[way.skip] == TENSORRT:
            place = self.engines.prepare(digest)
        session = Session(
            data, header, info, entry.input, runtime, arithmetic=way.arithmetic, skip=way.skip, engine=place
        )
        file = str(path)
        check_shapes(file, "inputs", {entry.input.name: entry.input.shape}, {session.input_name: session.input_shape})
        answer = session.warm_up()
        check_shapes(file, "outputs", entry.outputs, {name: array.shape for name, array in answer.items()})
        return session

    def strangers(self, model_sha256: str) -> dict[str, NDArray[np.float32]]:
        """Strangers made for one embedder, (N, D) of length 1 each, by kind of picture; raises ModelError."""
        return {
            entry.kind: self._strangers(entry) for entry in self.manifest.cohorts if entry.model_sha256 == model_sha256
        }

    def likeness(self, model_sha256: str) -> dict[str, tuple[float, ...]]:
        """Quantiles, lowest first, of the similarity between two pictures of one person, by kind of picture."""
        return {
            entry.kind: tuple(float(value) for value in entry.scores["likeness"])
            for entry in self.manifest.cohorts
            if entry.model_sha256 == model_sha256 and entry.scores.get("likeness")
        }

    def recorded_answers(self) -> dict[str, Any] | None:
        """What the models answered when the pack was sealed, None where it was not; raises ModelError."""
        entry = self.manifest.golden
        if entry is None:
            return None
        path = self._path(entry)
        data = read_file(path)
        if hashlib.sha256(data).hexdigest() != entry.sha256:
            raise ModelError(f"{path}: not the answers that the manifest promises: altered or cut short; restore it")
        try:
            return dict(json.loads(data))
        except (ValueError, TypeError):
            raise ModelError(f"{path}: not JSON; restore the pack") from None

    def digest(self) -> str:
        """SHA-256 of the manifest's bytes: the pack's name among others."""
        return hashlib.sha256(read_file(self.models_dir / MANIFEST)).hexdigest()

    def _strangers(self, entry: StrangersEntry) -> NDArray[np.float32]:
        path = self._path(entry)
        data = read_file(path)
        if hashlib.sha256(data).hexdigest() != entry.sha256 or len(data) != entry.count * entry.dim * 2:
            raise ModelError(f"{path}: not the strangers that the manifest promises: altered or cut short; restore it")
        vectors = np.frombuffer(data, "<f2").astype(np.float32).reshape(entry.count, entry.dim)
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        if not np.isfinite(lengths).all() or (lengths < 0.5).any():
            raise ModelError(f"{path}: holds vectors that are zero or not finite; restore the pack")
        return np.asarray(vectors / lengths, np.float32)

    def verify(self, runtime: RuntimeConfig | None = None) -> list[VerifyResult]:
        """Load every model as the service would and say what is wrong with each."""
        results = []
        for entry in self.manifest.models:
            try:
                session = self.load_only(entry, runtime or RuntimeConfig())
            except EdgeError as error:
                results.append(VerifyResult(entry, str(error), None))
            else:
                results.append(VerifyResult(entry, None, session.provider))
        return results

    def _path(self, entry: ModelEntry | StrangersEntry | AnswersEntry) -> Path:
        """The entry's file, which must lie in the pack's own folder even after links are followed."""
        path = self.models_dir / entry.file
        if path.resolve().parent != self.models_dir.resolve():
            raise ModelError(f"{path}: leads out of the model folder; put the file itself into {self.models_dir}")
        return path


def combined_sha256(first: str, second: str, weight: float) -> str:
    """The name of two embedders side by side: embeddings of other pairs or weights are never compared with theirs."""
    return hashlib.sha256(f"{first} {second} {weight:.6f}".encode()).hexdigest()
