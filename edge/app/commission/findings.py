"""Computes at which distance, in which third of the picture and in which light the walker is recognised.

Each distance is judged as if it were a track: its best shots are fused as in live work and held against the limits in
force. That is strict, because a real track also keeps better shots from nearer distances.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from edge.app.commission.walk import DAY, NIGHT, ZONES, Sighting, walker_sightings
from edge.capture.frames import DEFAULT_FPS
from edge.config import RecogniseConfig
from edge.pipeline import ActiveList
from edge.pipeline.face import MIN_GAP_FRAMES
from edge.pipeline.limits import MatchLimits, limits_of
from edge.pipeline.reliability import weight
from edge.recognise import decide, fuse

MIN_SIGHTINGS = 3
"""A distance with fewer sightings is not judged: where somebody walked, the walker was not recognised there."""
SHOT_GAP_S = MIN_GAP_FRAMES / DEFAULT_FPS
TOO_SHORT = "too short"


@dataclass(frozen=True, slots=True)
class DistanceResult:
    """One distance (or one zone) in one light: medians of its sightings, and the answer of its best shots.

    Without a sighting the medians are 0, and say nothing.
    """

    light: str
    label: str
    metres: int | None
    count: int
    usable: float
    """Share of the sightings that are good enough to count, 0..1."""
    eye_px: float
    sharpness: float
    luma: float
    similarity: float
    """Median of the single shots."""
    fused: float | None
    """Similarity of the best shots together; None with too few of them."""
    is_recognised: bool
    why: str
    is_judged: bool = True
    """False where the walker was there too shortly for enough shots, however good."""


@dataclass(frozen=True, slots=True)
class Findings:
    """The results of a walk."""

    rows: tuple[DistanceResult, ...]
    zones: tuple[DistanceResult, ...]
    limits: MatchLimits
    sentence: str


def judge_walk(
    sightings: Sequence[Sighting],
    person_id: str,
    active_list: ActiveList,
    settings: RecogniseConfig,
    walked: Collection[tuple[str, int]] = (),
) -> Findings:
    """Judge every distance and zone of each light; `walked` are light and metres at which the walker was for sure."""
    limits = limits_of(settings, active_list)
    sightings = walker_sightings(sightings)
    kind = "gray" if sightings and 2 * sum(s.is_gray for s in sightings) > len(sightings) else "color"
    rows, zones = [], []
    for light in (DAY, NIGHT):
        seen = [sighting for sighting in sightings if sighting.light == light]
        there = {metres for at, metres in walked if at == light}
        for metres in sorted({round(sighting.distance_m) for sighting in seen} | there):
            here = [sighting for sighting in seen if round(sighting.distance_m) == metres]
            if len(here) >= MIN_SIGHTINGS or metres in there:
                rows.append(_judge_row(here, light, f"{metres} m", metres, person_id, active_list, settings, limits))
        known = {row.metres for row in rows if row.light == light and row.is_recognised}
        for zone in ZONES:
            here = [one for one in seen if one.zone == zone and (round(one.distance_m) in known or not known)]
            if len(here) >= MIN_SIGHTINGS:
                zones.append(_judge_row(here, light, zone, None, person_id, active_list, settings, limits))
    return Findings(tuple(rows), tuple(zones), limits[kind], sentence(rows))


def sentence(rows: Sequence[DistanceResult]) -> str:
    """Such as "Recognises at 2 to 6 m, not beyond 7; at night at 2 to 4 m, not beyond 5."."""
    told = {light: _recognised_range([row for row in rows if row.light == light]) for light in (DAY, NIGHT)}
    if told[DAY] is None and told[NIGHT] is None:
        return "No walk was measured."
    parts = []
    if told[DAY] == TOO_SHORT:
        parts.append("By day too little was measured to judge")
    elif told[DAY] is not None:
        parts.append(f"Recognises {told[DAY]}" if told[DAY] else "Does not recognise the walker by day")
    if told[NIGHT] == TOO_SHORT:
        parts.append("at night too little was measured to judge")
    elif told[NIGHT] is not None:
        parts.append(f"at night {told[NIGHT]}" if told[NIGHT] else "at night not at all")
    text = "; ".join(parts)
    if any(row.light == NIGHT for row in rows):
        return text[0].upper() + text[1:] + "."
    return text + "; at night it was not measured."


def _recognised_range(rows: Sequence[DistanceResult]) -> str | None:
    """The nearest unbroken range in which the walker is recognised; "" for none, TOO_SHORT where nothing can be judged,
    None where nobody walked."""
    if not rows:
        return None
    rows = [row for row in rows if row.is_judged]
    if not rows:
        return TOO_SHORT
    known = [row for row in rows if row.is_recognised]
    if not known:
        return ""
    first = rows.index(known[0])
    last = first
    while last + 1 < len(rows) and rows[last + 1].is_recognised:
        last += 1
    near, far = rows[first].metres, rows[last].metres
    span = f"at {near} m" if near == far else f"at {near} to {far} m"
    if last + 1 < len(rows):
        return f"{span}, not beyond {rows[last + 1].metres}"
    return f"{span} (further was not walked)"


def _judge_row(
    here: Sequence[Sighting],
    light: str,
    label: str,
    metres: int | None,
    person_id: str,
    active_list: ActiveList,
    settings: RecogniseConfig,
    limits: Mapping[str, MatchLimits],
) -> DistanceResult:
    shots = _best_shots(here, settings.max_shots)
    fused, is_recognised, why, is_judged = None, False, "", True
    if len(here) < MIN_SIGHTINGS:
        why = f"face seen in {len(here)} of {MIN_SIGHTINGS} frames needed" if here else "no face was seen"
    elif len(shots) < settings.min_shots:
        why = f"{len(shots)} of {settings.min_shots} good shots"
        possible = len(_spaced(sorted(here, key=lambda one: one.at_s), settings.min_shots))
        if possible < settings.min_shots:
            is_judged = False
            why = f"too short: time for {possible} of {settings.min_shots} shots"
    else:
        kind = "gray" if 2 * sum(shot.is_gray for shot in shots) > len(shots) else "color"
        weights = np.array([weight(shot.quality) for shot in shots], np.float32)
        probe = fuse(np.stack([shot.embedding for shot in shots]), weights)
        fused = active_list.gallery.similarity_to(probe, person_id)
        match = decide(active_list.gallery.search(probe), limits[kind])
        is_recognised = match.person_id == person_id
        limit = limits[kind].min_similarity
        why = "recognised" if is_recognised else f"below {limit:.2f}"
        if not is_recognised and fused >= limit:
            why = "too near another person"
    return DistanceResult(
        light=light,
        label=label,
        metres=metres,
        count=len(here),
        usable=sum(one.is_usable for one in here) / max(len(here), 1),
        eye_px=_median([one.eye_px for one in here]),
        sharpness=_median([one.sharpness for one in here]),
        luma=_median([one.luma for one in here]),
        similarity=_median([one.similarity for one in here]),
        fused=fused,
        is_recognised=is_recognised,
        why=why,
        is_judged=is_judged,
    )


def _best_shots(here: Sequence[Sighting], most: int) -> list[Sighting]:
    """Return the best usable shots, spaced in time as a track spaces them."""
    return _spaced(sorted((one for one in here if one.is_usable), key=lambda one: (-one.quality, one.at_s)), most)


def _spaced(sightings: Sequence[Sighting], most: int) -> list[Sighting]:
    """The first of these that lie far enough apart in time."""
    kept: list[Sighting] = []
    for one in sightings:
        if len(kept) < most and all(abs(one.at_s - other.at_s) >= SHOT_GAP_S - 1e-6 for other in kept):
            kept.append(one)
    return kept


def _median(values: Sequence[float]) -> float:
    return round(float(np.median(values)), 3) if values else 0.0
