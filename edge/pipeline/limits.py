"""What a match needs, by kind of picture: the configuration's values, or what the box was calibrated to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from edge.config import RecogniseConfig
from edge.pipeline.active_list import Watch
from edge.thresholds import Thresholds
from edge.watchlist.false_alerts import NOT_CALIBRATED, promise

EARLY_EXTRA = 0.1
"""What an answer with few shots needs more, where nothing was calibrated."""
EARLY_FACTOR = 10.0
"""A track is asked again with each shot; an early answer has to be this many times rarer for a stranger."""
KINDS = ("color", "gray")


@dataclass(frozen=True, slots=True)
class Limits:
    """Least similarity and margin for one kind of picture. `source` is `configuration` or `calibration`."""

    kind: str
    min_similarity: float
    early_similarity: float
    min_margin: float
    source: str
    expected_false_alerts: str


def limits_of(settings: RecogniseConfig, watch: Watch) -> Mapping[str, Limits]:
    """The limits for color and for gray pictures against this list."""
    return {kind: _of_kind(kind, settings, watch) for kind in KINDS}


def _of_kind(kind: str, settings: RecogniseConfig, watch: Watch) -> Limits:
    kept = watch.thresholds
    similarity, margin, source = settings.min_similarity, settings.min_margin, "configuration"
    if kept is not None and kind in kept.min_similarity:
        similarity, margin, source = kept.min_similarity[kind], kept.min_margin, "calibration"
    tail = watch.calibration.tails.get(kind) if watch.calibration else None
    early, told = min(1.0, similarity + EARLY_EXTRA), NOT_CALIBRATED
    if tail is not None:
        bound = tail.bound(similarity)
        told = promise(bound, len(watch.people))
        early = max(similarity, min(early, tail.similarity_at(max(bound / EARLY_FACTOR, 1e-7))))
    return Limits(kind, similarity, early, margin, source, told)


def same_model(thresholds: Thresholds | None, model_sha256: str) -> Thresholds | None:
    """Thresholds hold only for the embedder they were calibrated with."""
    return thresholds if thresholds is not None and thresholds.model_sha256 == model_sha256 else None
