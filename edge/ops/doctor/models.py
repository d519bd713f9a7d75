"""Checks the models: intact, fast, on the chosen provider, with matching calibration data and recorded answers."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from edge.config import Config, RuntimeConfig
from edge.enhance.benefit import read_benefit
from edge.enhance.view import read_views
from edge.errors import EdgeError
from edge.ops.doctor.check import Check, failed, passed, warned
from edge.ops.packs.choice import apply_choice, platform_facts, read_choice, why_stale
from edge.sessions import Engines, ModelEntry, Pack
from edge.sessions.session import task_providers

ROUNDS = 5
MEASURED_S = 0.5
"""Seconds after which a slow model is measured enough; all models have to fit into the time of this group."""


@dataclass(frozen=True, slots=True)
class EmbedderInUse:
    """What the checks of the watchlist need to know of the models."""

    embedder: str | None = None
    """SHA-256 of the embedder in use; None where it is unknown."""


def embedder_in_use(config: Config) -> EmbedderInUse:
    """The embedder that the service would take; it is known at once, while `check_models` may take long."""
    try:
        config, _, pack = _chosen(config)
        return EmbedderInUse(pack.identity(pack.find("embed", config.recognise.model)))
    except EdgeError:
        return EmbedderInUse()


def check_models(config: Config) -> Iterator[Check]:
    """What belongs to the pack, then every file of it, which takes longer."""
    try:
        config, runtimes, pack = _chosen(config)
        entry = pack.find("embed", config.recognise.model)
    except EdgeError as error:
        fix = "restore the model folder from the release, or run `edge probe` where it is named"
        yield failed("models", str(error), fix)
        return
    yield _check_choice(config, pack)
    yield from _check_strangers_and_answers(pack, entry)
    yield _benefit(pack)
    for one in pack.manifest.models:
        yield _model(pack, one, runtimes.get(one.task, config.runtime))


def _chosen(config: Config) -> tuple[Config, dict[str, RuntimeConfig], Pack]:
    pack = Pack.open(config.models_dir, Engines(config.data_dir / "engines", is_later=True))
    config, runtimes = apply_choice(config, pack, read_choice(config.data_dir))
    return config, runtimes, pack


def _model(pack: Pack, entry: ModelEntry, runtime: RuntimeConfig) -> Check:
    name = f"model {entry.name}"
    try:
        session = pack.load(entry, runtime)
        median_ms = measure(session.warm_up)
    except EdgeError as error:
        fix = "restore this file from the release, then run `edge models verify`; for a provider, `edge probe`"
        return failed(name, str(error), fix)
    found = f"{entry.precision}, hash as promised, runs on {session.provider}, {median_ms:.1f} ms"
    found += f"; {session.choice}"
    if session.sha256 != entry.sha256 or session.arithmetic == "exact":
        used = f"{session.info.name} in {session.arithmetic} arithmetic"
        fix = f"this machine computes the file wrongly, so {used} is used: slower; update driver and onnxruntime"
        return warned(name, found, fix)
    if pack.engines is not None and any(one.session is session for one in pack.engines.pending):
        return warned(name, found, "its engine is not built yet: start the service, which does that in the background")
    hoped = task_providers(entry.task, runtime)[0]
    if runtime.provider == "auto" and session.provider != hoped:
        fix = f"mend the driver, or set [runtime] provider: {hoped} is installed and can't be used"
        return warned(name, found, fix)
    return passed(name, found)


def measure(job: Callable[[], object]) -> float:
    """Median milliseconds of `job` over at most `ROUNDS` rounds; none is begun after `MEASURED_S`."""
    times: list[float] = []
    while not times or (len(times) < ROUNDS and sum(times) < MEASURED_S):
        started = time.perf_counter()
        job()
        times.append(time.perf_counter() - started)
    return float(np.median(times)) * 1000


def _check_choice(config: Config, pack: Pack) -> Check:
    choice = read_choice(config.data_dir)
    name = "provider and precision"
    if choice is None:
        return passed(name, "not measured on this box; `edge probe` does")
    changed = why_stale(choice, pack, platform_facts())
    if changed:
        return warned(name, f"measured before {', '.join(changed)} changed", "run `edge probe` again")
    return passed(name, "; ".join(f"{one.task}: {one.precision} on {one.provider}" for one in choice.models))


def _benefit(pack: Pack) -> Check:
    benefit = read_benefit(pack)
    name, fix = "enhancement", "restore the whole pack; or measure: edge eval restore --write-benefit"
    if benefit.problem is not None:
        return warned(name, benefit.problem, fix)
    views = read_views(pack)
    if views.problem is not None:
        fix = "restore the whole pack; or measure: edge eval restore --write-view"
        return warned(name, views.problem, fix)
    return passed(name, f"{benefit.told()}; {views.told()}")


def _check_strangers_and_answers(pack: Pack, entry: ModelEntry) -> Iterator[Check]:
    """Check that the strangers for calibration and the recorded answers were made with the models in use."""
    restore = "restore the whole pack from the release: its parts belong together"
    try:
        kinds = sorted(pack.strangers(pack.identity(entry)))
        recorded = pack.recorded_answers()
    except EdgeError as error:
        yield failed("model companions", str(error), restore)
        return
    if kinds:
        yield passed("strangers", f"{', '.join(kinds)}, made for {entry.name}")
    else:
        yield warned("strangers", f"none are in the pack for {entry.name}: nothing can be calibrated", restore)
    if recorded is None:
        fix = "take a sealed pack, or seal it: python -m tools.seal --models DIR"
        yield warned("recorded answers", "the pack was not sealed", fix)
        return
    defaults = {one.task: pack.identity(one) for one in pack.manifest.models if one.default}
    other = [task for task, sha256 in recorded["models"].items() if defaults.get(task) != sha256]
    if other:
        yield warned("recorded answers", f"of another {' and '.join(other)} model than the pack's", restore)
    else:
        yield passed("recorded answers", "of these very models")
