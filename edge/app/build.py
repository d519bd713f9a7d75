"""From configuration to stages."""

from __future__ import annotations

import datetime as dt
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.config import Config, RuntimeConfig, status_of
from edge.detect import build_detector, in_two_looks
from edge.enhance import STEPS, Benefit, Budget, Enhancer, Networks
from edge.enhance.benefit import read_benefit
from edge.enhance.view import read_views
from edge.ops.packs.choice import apply_choice, platform_facts, read_choice, why_stale
from edge.ops.system.clock import boot_id, clock_facts
from edge.pipeline import ActiveList, DeviceFacts, Pipeline, Stages
from edge.pipeline.bystanders import DOUBTFUL_SCORE
from edge.pipeline.limits import same_model
from edge.pipeline.pace import Pace
from edge.recognise import build_embedder
from edge.records import Frame
from edge.sessions import Engines, ModelEntry, Pack
from edge.store import Store
from edge.watchlist.calibration import calibrate

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Models:
    """The loaded models and the stages around them."""

    stages: Stages
    pack: Pack
    hashes: dict[str, str]
    descriptions: dict[str, dict[str, Any]]
    impostor_tail: tuple[tuple[float, float], ...] | None
    strangers: Mapping[str, NDArray[np.float32]] = field(default_factory=dict, repr=False)
    """The pack's synthetic strangers for this embedder, by kind of picture."""
    likeness: Mapping[str, tuple[float, ...]] = field(default_factory=dict, repr=False)
    """How alike two pictures of one person are to this embedder (quantiles), by kind of picture."""
    min_margin: float = 0.0


def load_models(config: Config, *, may_begin_on_cpu: bool = False) -> Models:
    """Check and load what the configuration names; raises ModelError.

    `may_begin_on_cpu`: a model whose GPU engine is still to be built runs on the CPU, and `pack.engines` says so.
    """
    pack = Pack.open(config.models_dir, Engines(config.data_dir / "engines", is_later=may_begin_on_cpu))
    config, runtimes = apply_probe_choice(config, pack)
    runtime = runtimes.get("detect", config.runtime)
    detector = build_detector(config.detect, pack, runtime, doubtful_score=DOUBTFUL_SCORE)
    entry = pack.find("embed", config.recognise.model)
    embedder = build_embedder(config.recognise, pack, runtimes.get("embed", config.runtime))
    tail = entry.scores.get("impostor_tail")
    descriptions = {"detect": detector.describe(), "embed": embedder.describe()}
    return Models(
        stages=Stages(detector, _enhancer(config, pack, entry), embedder, bystander_searcher=in_two_looks(detector)[0]),
        pack=pack,
        hashes={task: str(about.get("sha256") or about.get("name")) for task, about in descriptions.items()},
        descriptions=descriptions,
        impostor_tail=tuple((float(s), float(f)) for s, f in tail) if tail else None,
        strangers=pack.strangers(embedder.sha256),
        likeness=pack.likeness(embedder.sha256),
        min_margin=config.recognise.min_margin,
    )


def _enhancer(config: Config, pack: Pack, embedder: ModelEntry) -> Enhancer:
    """The enhancer with the pack's learned steps, the benefit measured with this embedder, and the choices for eyes."""
    benefit = read_benefit(pack)
    if not embedder.default and not embedder.variant_of:
        benefit = Benefit(problem=f"nothing was measured with the embedder {embedder.name}")
    networks = Networks(pack, config.runtime)
    return Enhancer(
        config.enhance.mode,
        time.perf_counter,
        networks=networks,
        benefit=benefit,
        views=read_views(pack),
        generative=config.enhance.generative,
    )


def apply_probe_choice(config: Config, pack: Pack) -> tuple[Config, dict[str, RuntimeConfig]]:
    """Apply what `edge probe` chose: return the completed configuration and the runtime settings per task.

    A choice from before the pack, driver or machine changed is logged as stale and still applied.
    """
    choice = read_choice(config.data_dir)
    if choice is not None and (changed := why_stale(choice, pack, platform_facts())):
        log.warning("what edge probe chose is from before %s changed; run edge probe again", ", ".join(changed))
    return apply_choice(config, pack, choice)


def load_active_list(store: Store, models: Models, max_age_days: float = 0.0) -> ActiveList:
    """Return the watchlist with the references of the loaded embedder. With `max_age_days` 0 it never gets stale."""
    version, digest = store.watchlist_version()
    changed_at = store.watchlist_changed_at()
    good_until = None
    if max_age_days > 0 and changed_at is not None:
        good_until = changed_at + dt.timedelta(days=max_age_days)
    people, model = store.people(), models.stages.embedder.sha256
    active_list = ActiveList.of(people, store.references(model), version, digest, good_until)
    thresholds = same_model(store.calibration.thresholds(), model)
    margin = models.min_margin if thresholds is None else thresholds.min_margin
    calibration = calibrate(active_list.gallery, models.strangers, margin)
    return replace(active_list, calibration=calibration, thresholds=thresholds)


def box_id_of(config: Config, store: Store) -> str:
    """Return the name that this appliance puts in every hit."""
    return config.box_id or store.box_id


def build_live_pipeline(config: Config, models: Models, store: Store, *, kind: str) -> Pipeline:
    """Build the service's pipeline and resume the visits that were open when the service last stopped."""

    def clock(frame: Frame) -> dict[str, Any]:
        return {**clock_facts(), "boot_id": boot_id(), "mono_ns": frame.captured_mono_ns}

    enhancer = models.stages.enhancer
    enhancer.budget = Budget(config.enhance.frame_ms)
    wanted = {name: kind for name, kind in STEPS.items() if config.enhance.generative or not kind.generative}
    enhancer.networks.load_all(wanted)

    def attention(status: str) -> dict[str, Any]:
        known = status_of(status, config.status, config.review)
        return {"severity": known.severity, "words": known.words, "second_person": known.second_person}

    box_id = box_id_of(config, store)
    facts = DeviceFacts(box_id, kind, models.hashes, models.impostor_tail, clock, attention)
    active_list = load_active_list(store, models, config.watchlist.max_age_days)
    pipeline = Pipeline(config, models.stages, active_list, facts, Pace.of(config.detect))
    for camera in config.camera:
        for person_id in active_list.people:
            last = store.last_hit_of(person_id, camera.name)
            if last is not None:
                pipeline.resume(last)
    return pipeline
