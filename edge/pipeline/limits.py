"""What a match needs, by kind of picture: the configuration's values, or those the device was calibrated to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from edge.config import RecogniseConfig
from edge.pipeline.active_list import ActiveList
from edge.thresholds import Thresholds
from edge.watchlist.false_alerts import NOT_CALIBRATED, calibrated_false_alerts

EARLY_EXTRA_SIMILARITY = 0.1
"""Extra similarity for an early answer (few shots) where the device is not calibrated."""
EARLY_FACTOR = 10.0
"""An early answer must be this many times rarer for a stranger: a track is tested again with every shot."""
STILL_FACTOR = 2.0
"""A match of a single picture must be this many times rarer for a stranger than calibration promises: at the worst
fault (`haze:4`) that much more strangers were taken for somebody, and no second shot corrects it."""
STILL_EXTRA_SIMILARITY = 0.02
"""Extra similarity for a single picture where the device is not calibrated: about the same."""
KINDS = ("color", "gray")


@dataclass(frozen=True, slots=True)
class MatchLimits:
    """Least similarity and margin for one kind of picture. `source` is `configuration` or `calibration`."""

    kind: str
    min_similarity: float
    early_similarity: float
    min_margin: float
    source: str
    expected_false_alerts: str


def limits_of(settings: RecogniseConfig, active: ActiveList) -> Mapping[str, MatchLimits]:
    """The limits for color and for gray pictures against this list."""
    return {kind: _of_kind(kind, settings, active) for kind in KINDS}


def still_limits_of(settings: RecogniseConfig, active: ActiveList) -> Mapping[str, MatchLimits]:
    """The limits for a single picture, by kind of picture."""
    return {kind: _of_still(_of_kind(kind, settings, active), active) for kind in KINDS}


def _of_still(usual: MatchLimits, active: ActiveList) -> MatchLimits:
    """The limits of a track are for strangers' single faces, on average of faults; here the worst fault counts."""
    tail = active.calibration.tails.get(usual.kind) if active.calibration else None
    similarity, sentence = min(1.0, usual.min_similarity + STILL_EXTRA_SIMILARITY), usual.expected_false_alerts
    if tail is not None:
        rate = max(tail.bound(usual.min_similarity) / STILL_FACTOR, 1e-7)
        most = min(1.0, usual.min_similarity + EARLY_EXTRA_SIMILARITY)
        similarity = max(usual.min_similarity, min(most, tail.similarity_at(rate)))
        sentence = calibrated_false_alerts(tail.bound(similarity), len(active.people))
    return replace(usual, min_similarity=similarity, early_similarity=similarity, expected_false_alerts=sentence)


def _of_kind(kind: str, settings: RecogniseConfig, active: ActiveList) -> MatchLimits:
    kept = active.thresholds
    similarity, margin, source = settings.min_similarity, settings.min_margin, "configuration"
    if kept is not None and kind in kept.min_similarity:
        similarity, margin, source = kept.min_similarity[kind], kept.min_margin, "calibration"
    tail = active.calibration.tails.get(kind) if active.calibration else None
    early, sentence = min(1.0, similarity + EARLY_EXTRA_SIMILARITY), NOT_CALIBRATED
    if tail is not None:
        bound = tail.bound(similarity)
        sentence = calibrated_false_alerts(bound, len(active.people))
        early = max(similarity, min(early, tail.similarity_at(max(bound / EARLY_FACTOR, 1e-7))))
    return MatchLimits(kind, similarity, early, margin, source, sentence)


def same_model(thresholds: Thresholds | None, model_sha256: str) -> Thresholds | None:
    """Return the thresholds if they were calibrated with this embedder, else None."""
    return thresholds if thresholds is not None and thresholds.model_sha256 == model_sha256 else None
