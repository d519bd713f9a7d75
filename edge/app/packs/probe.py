"""`edge probe`: measures every file of each model on every provider and chooses the fastest that keeps its accuracy.

Accuracy is measured against the answers the pack was sealed with; if it has none, against this device's CPU.
Times are medians of rounds taken in turns, so that other load slows all candidates alike.
"""

from __future__ import annotations

import datetime as dt
import itertools
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from edge.app.selfcheck import known_answers
from edge.app.selfcheck.known_answers import Progress
from edge.arrays import BgrImage
from edge.config import Config, DetectConfig, RuntimeConfig
from edge.detect import FaceDetector
from edge.errors import EdgeError, ModelError
from edge.ops.packs.choice import Choice, Chosen, Measured, platform_facts
from edge.pixels.faces.geometry import align
from edge.recognise import Embedder, open_embedder
from edge.sessions import Engines, ModelEntry, Pack, Session, available_providers
from edge.store import time_to_text

CPU = "CPUExecutionProvider"
ROUNDS = 12
CLEARLY_FASTER = 0.9
"""Another way is chosen if it takes less than this share of the usual way's time: a tenth is more than chance."""
MIN_FACES = 0.95
"""Least share of the recorded faces that a detector must find again."""
MIN_COSINE, MIN_COSINE_OTHER_FILE = 0.98, 0.95
"""Least cosine to the recorded embeddings: the same file may differ by rounding, another precision by a little more."""

Load = Callable[[ModelEntry, RuntimeConfig], Session]
Stage = FaceDetector | Embedder


@dataclass(frozen=True, slots=True)
class _Way:
    """One file on one provider that loads and keeps its accuracy."""

    entry: ModelEntry
    provider: str
    accuracy: float
    call: Callable[[], object]


class Probe:
    """One measurement of one pack."""

    def __init__(self, config: Config, load: Load | None = None, providers: Sequence[str] | None = None) -> None:
        self._config = config
        self._pack = Pack.open(config.models_dir, Engines(config.data_dir / "engines"))
        self._load = load or self._pack.load_only
        self._providers = list(providers or available_providers())
        self._shown = known_answers.pictures()
        self._notes: list[str] = []
        self._bases = self._in_use()
        self._answers, self._judged_by = self._reference()

    def run(self, progress: Progress | None = None) -> Choice:
        """Measure and choose; raises ModelError where no way of a model keeps its accuracy.

        `progress` is called with the model, and how many of its ways are done of how many.
        """
        measured: list[Measured] = []
        chosen: list[Chosen] = []
        for base in self._bases:
            count = (1 + len(self._variants(base))) * len(self._providers)
            done = itertools.count(1)
            ways, refused = self._judge(base, lambda: progress and progress(base.name, next(done), count))  # noqa: B023
            times = _time([way.call for way in ways])
            measured += [
                _measured(way.entry, way.provider, ms, way.accuracy, None) for way, ms in zip(ways, times, strict=True)
            ]
            measured += refused
            chosen.append(self._choose(base, ways, times, refused))
        at = time_to_text(dt.datetime.now(dt.UTC))
        return Choice(
            at=at,
            platform=platform_facts(),
            judged_by=self._judged_by,
            models=tuple(chosen),
            measured=tuple(measured),
            notes=tuple(self._notes),
        )

    def _in_use(self) -> list[ModelEntry]:
        """Return the models in use, without those that the configuration takes from outside the pack."""
        bases = []
        outside = self._config.detect.model == "haar" or self._config.detect.model.endswith(".onnx")
        if outside:
            self._notes.append(f"detect.model = {self._config.detect.model!r} is not of the pack and is left as it is")
        else:
            bases.append(self._pack.find("detect", self._config.detect.model))
        return [*bases, self._pack.find("embed", self._config.recognise.model)]

    def _reference(self) -> tuple[Mapping[str, Any], str]:
        recorded = self._pack.recorded_answers()
        in_use = {entry.task: entry for entry in self._bases}
        if recorded is not None and all(
            recorded["models"].get(task) == self._pack.identity(one) for task, one in in_use.items()
        ):
            return recorded, "the answers sealed in the pack"
        detector = self._stage(in_use.get("detect") or self._pack.find("detect"), CPU)
        embedder = self._stage(in_use["embed"], CPU)
        assert isinstance(detector, FaceDetector)
        assert isinstance(embedder, Embedder)
        self._notes.append("the pack holds no answers of these models: accuracy is judged against this box's own CPU")
        return known_answers.record_answers(detector, embedder, self._shown), "this box's own CPU"

    def _stage(self, entry: ModelEntry, provider: str) -> Stage:
        runtime = self._config.runtime.model_copy(update={"provider": provider})
        if entry.task == "embed":
            return open_embedder(self._pack, entry, lambda one: self._load(one, runtime))
        limits = DetectConfig()
        return FaceDetector(self._load(entry, runtime), min_score=limits.min_score, max_side_px=limits.max_side_px)

    def _judge(self, base: ModelEntry, tell: Callable[[], object]) -> tuple[list[_Way], list[Measured]]:
        """Return the ways that keep their accuracy, and the others with the reason against each."""
        ways, refused = [], []
        files = [base, *self._variants(base)]
        if len(files) == 1:
            self._notes.append(f"the pack holds {base.name} in {base.precision} alone: no other precision to compare")
        for entry in files:
            for provider in self._providers:
                accuracy, why, call = None, None, None
                try:
                    stage = self._stage(entry, provider)
                    accuracy, least = self._accuracy(stage, entry, base)
                    call = self._timed(stage)
                    if accuracy < least:
                        why = f"lost accuracy: {accuracy:.3f}, {least} is the least"
                except EdgeError as error:
                    why = str(error)
                if why is None and entry.task == "embed" and not self._has_strangers(entry, base):
                    why = "the pack holds no strangers for this file: its calibration would be void"
                if why is None and call is not None and accuracy is not None:
                    ways.append(_Way(entry, provider, accuracy, call))
                else:
                    refused.append(_measured(entry, provider, None, accuracy, why))
                tell()
        return ways, refused

    def _accuracy(self, stage: Stage, entry: ModelEntry, base: ModelEntry) -> tuple[float, float]:
        if isinstance(stage, FaceDetector):
            return known_answers.judge_detector(stage, self._answers, self._shown), MIN_FACES
        least = MIN_COSINE if entry.sha256 == base.sha256 else MIN_COSINE_OTHER_FILE
        return known_answers.judge_embedder(stage, self._answers, self._shown), least

    def _timed(self, stage: Stage) -> Callable[[], object]:
        if isinstance(stage, FaceDetector):
            frame = next(image for name, image in self._shown.items() if name != "portrait")
            return lambda: stage.detect(frame)
        name, kept = next(iter(self._answers["embed"].items()), (None, None))
        if name is None or kept is None:
            raise ModelError("no face was found in the demo pictures; restore the pack")
        crop: BgrImage = align(self._shown[name], np.asarray(kept["landmarks"], np.float32))[np.newaxis]
        return lambda: stage.embed(crop)

    def _variants(self, base: ModelEntry) -> list[ModelEntry]:
        family = base.variant_of or base.name
        return [
            entry
            for entry in self._pack.manifest.models
            if entry.task == base.task and entry.name != base.name and family in (entry.name, entry.variant_of)
        ]

    def _has_strangers(self, entry: ModelEntry, base: ModelEntry) -> bool:
        have = {one.model_sha256 for one in self._pack.manifest.cohorts}
        return self._pack.identity(entry) in have or self._pack.identity(base) not in have

    def _choose(
        self, base: ModelEntry, ways: Sequence[_Way], times: Sequence[float], refused: Sequence[Measured]
    ) -> Chosen:
        """Return the fastest way; the usual file on the CPU, if nothing is clearly faster."""
        if not ways:
            told = "; ".join(f"{one.model} on {one.provider}: {one.refused}" for one in refused)
            raise ModelError(f"{base.name} does not keep its accuracy on this box ({told}); restore the pack")
        usual = next((i for i, way in enumerate(ways) if way.entry is base and way.provider == CPU), None)
        best = min(range(len(ways)), key=lambda i: times[i])
        if usual is not None and times[best] > CLEARLY_FASTER * times[usual]:
            best = usual
        way = ways[best]
        others = [
            f"{w.entry.precision} on {short(w.provider)} {t:.2f}"
            for i, (w, t) in enumerate(zip(ways, times, strict=True))
            if i != best
        ]
        why = f"{times[best]:.2f} ms, accuracy {way.accuracy:.3f}"
        why += f"; others that keep it: {', '.join(others)} ms" if others else "; the only way that keeps its accuracy"
        if way.entry is not base and base.task == "embed":
            self._notes.append("the embedder is another file: run `edge watchlist reembed`, or nobody is recognised")
        return Chosen(
            task=base.task,
            model=way.entry.name,
            sha256=way.entry.sha256,
            precision=way.entry.precision,
            provider=way.provider,
            ms=round(times[best], 3),
            why=why,
        )


def short(provider: str) -> str:
    """CPUExecutionProvider -> CPU."""
    return provider.removesuffix("ExecutionProvider")


def _time(calls: Sequence[Callable[[], object]]) -> list[float]:
    """Return the median ms of each call over rounds that run every call once."""
    taken: list[list[float]] = [[] for _ in calls]
    for number in range(ROUNDS + 2):
        for times, call in zip(taken, calls, strict=True):
            started = time.perf_counter()
            call()
            if number >= 2:
                times.append((time.perf_counter() - started) * 1000)
    return [float(np.median(times)) for times in taken]


def _measured(
    entry: ModelEntry, provider: str, ms: float | None, accuracy: float | None, refused: str | None
) -> Measured:
    return Measured(
        task=entry.task,
        model=entry.name,
        file=entry.file,
        sha256=entry.sha256,
        precision=entry.precision,
        provider=provider,
        ms=None if ms is None else round(ms, 3),
        accuracy=None if accuracy is None else round(accuracy, 4),
        refused=refused,
    )
