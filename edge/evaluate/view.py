"""Which steps help the eye: those that bring faces nearer to the truth and make them no less like the person.

Training people's faces are spoilt in every way and level. Faces whose measured faults have the same levels are one
cell. For each cell every plan that its faults call for is tried; chosen is the one with the largest gain among those
that no degradation in the cell speaks against. A cell with few faces gets nothing: a planner does nothing for what it
has not seen.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.arrays import BgrImage
from edge.detect import Detector
from edge.enhance import Enhancer, Plan, PlannedStep
from edge.enhance.faults import FAULTS, grade
from edge.enhance.view import Choice, ChosenStep
from edge.evaluate.pairs import CLEAN
from edge.evaluate.restore import DegradedFace, Face, degrade_and_find
from edge.pixels.faces.geometry import align, enlarged_points
from edge.pixels.measures import metrics
from edge.recognise import Embedder
from edge.strict import Strict

Progress = Callable[[str, int, int], None]

BANDS: Mapping[str, tuple[int, ...]] = {
    "noise": (1, 3),
    "dark": (1, 2, 3, 4, 5),
    "motion": (1, 2, 3),
    "blur": (1, 2, 3, 4),
    "blocks": (1, 3),
    "small": (1, 3),
}
"""Levels at which a new cell begins; below the first a fault is not there."""
GAMMAS = (0.2, 0.35, 0.5, 0.65)
"""How much of the light is taken away: with the paper's .8 faces become paler than they were, and less like them."""
BEST_DB = 40.0
"""A PSNR above this is no better to the eye; an unchanged clean picture has as much."""
CLEAN_WEIGHT = 10
"""Most faces a camera sees have no fault: of those that seem to have one, each counts as ten. So a dark skin in good
light is not taken for want of light.
"""
MIN_FACES = 12
MIN_PEOPLE = 6
MIN_OF_DEGRADATION = 3
"""Faces in a cell from which a degradation can speak against a plan."""
MIN_GAIN_DB = 0.3
MAX_LOSS_DB = 0.1
"""What one degradation of a cell may lose."""
MAX_DRIFT = 0.001
"""Loss of likeness that counts as none, where it is also within the standard error."""
DB_PER_LIKENESS = 20.0
"""Gains are weighed so: .05 of likeness counts as much as 1 dB."""

Steps = tuple[tuple[str, float | None], ...]
"""A plan: names, and the gamma of `lime`."""


class Seen(Strict):
    """One face under one degradation: its cell, and per plan (the first: none) PSNR in dB and likeness."""

    person: str
    degradation: str
    cell: tuple[int, ...]
    values: tuple[tuple[float, float], ...]


def cell_of(levels: Mapping[str, int]) -> tuple[int, ...]:
    """The band of each fault, in the order of `FAULTS`."""
    return tuple(bisect_right(BANDS[fault], levels[fault]) for fault in FAULTS)


def steps_of(rows: Iterable[Seen]) -> set[str]:
    """The steps that were tried on any of these faces."""
    return {name for cell in {row.cell for row in rows} for steps in plans_for(cell) for name, _ in steps}


def levels_of(cell: Sequence[int]) -> dict[str, tuple[int, int]]:
    """First and last level of each fault that a cell has."""
    edges = {fault: (0, *BANDS[fault], 6) for fault in FAULTS}
    return {
        fault: (edges[fault][band], edges[fault][band + 1] - 1)
        for fault, band in zip(FAULTS, cell, strict=True)
        if band
    }


def plans_for(cell: Sequence[int]) -> tuple[Steps, ...]:
    """The plans that a cell's faults call for, none first; steps in the order in which they run."""
    has = dict(zip(FAULTS, cell, strict=True))
    noisy: list[Steps] = [(), (("denoise", None),)] if has["noise"] or has["blocks"] else [()]
    lights: list[Steps] = [(), *((("lime", gamma),) for gamma in GAMMAS)] if has["dark"] else [()]
    last: list[Steps] = [()]
    if has["motion"] or has["blur"]:
        last.append((("deblur", None),))
    if has["small"]:
        last.append((("sr2", None),))
    return tuple(first + light + rest for first in noisy for light in lights for rest in last)


def measure(
    faces: Sequence[Face],
    degradation: str,
    *,
    enhancer: Enhancer,
    detector: Detector,
    embedder: Embedder,
    progress: Progress | None = None,
) -> list[Seen]:
    """Every plan that is called for, on every face under one degradation."""
    found = []
    for number, face in enumerate(faces):
        seen = degrade_and_find(face, degradation, detector)
        cell = cell_of(grade(seen.quality))
        crops = _crops(seen, plans_for(cell), enhancer)
        likeness = embedder.embed(crops) @ face.embedding
        values = [
            (min(metrics.psnr(crop, seen.truth), BEST_DB), float(one))
            for crop, one in zip(crops, likeness, strict=True)
        ]
        found.append(Seen(person=face.picture.person, degradation=degradation, cell=cell, values=tuple(values)))
        if progress is not None:
            progress(degradation, number + 1, len(faces))
    return found


def _crops(seen: DegradedFace, plans: Iterable[Steps], enhancer: Enhancer) -> list[BgrImage]:
    """The aligned face after each plan; what plans begin with alike is done once."""
    made: dict[Steps, BgrImage] = {(): seen.part}
    crops: list[BgrImage] = []
    for steps in plans:
        for end in range(1, len(steps) + 1):
            if steps[:end] not in made:
                made[steps[:end]] = enhancer.apply(made[steps[: end - 1]], Plan((_planned(steps[end - 1]),), ()))[0]
        done = made[steps]
        points = enlarged_points(seen.points, done.shape[1] / seen.part.shape[1])
        crops.append(align(done, points) if steps else seen.crop)
    return crops


def _planned(step: tuple[str, float | None]) -> PlannedStep:
    name, gamma = step
    return PlannedStep(name, {} if gamma is None else {"gamma": gamma})


def choose(rows: Sequence[Seen]) -> tuple[Choice, ...]:
    """The best plan of each cell in which one is shown to help."""
    cells: dict[tuple[int, ...], list[Seen]] = defaultdict(list)
    for row in rows:
        cells[row.cell].append(row)
    choices = []
    for cell, members in sorted(cells.items()):
        if len(members) < MIN_FACES or len({one.person for one in members}) < MIN_PEOPLE:
            continue
        values = np.array([one.values for one in members])
        gains = values - values[:, :1]
        names = np.array([one.degradation for one in members])
        plans = plans_for(cell)
        good = [number for number in range(1, len(plans)) if is_helpful(gains[:, number], names)]
        if not good:
            continue
        best = max(good, key=lambda number: _worth(gains[:, number], names))
        psnr_db, likeness = _mean(gains[:, best], names)
        steps = tuple(ChosenStep(name=one.name, params=dict(one.params)) for one in map(_planned, plans[best]))
        choices.append(
            Choice(
                steps=steps,
                levels=levels_of(cell),
                psnr_db=round(float(psnr_db), 2),
                likeness=round(float(likeness), 4),
                num_faces=len(members),
            )
        )
    return tuple(choices)


def is_helpful(gains: NDArray[np.float64], degradations: NDArray[Any]) -> bool:
    """Whether a plan helps: (N, 2) gains in PSNR and likeness of the cell's faces, and each one's degradation."""
    mean, error = _mean(gains, degradations), gains.std(0) / np.sqrt(len(gains))
    if mean[0] - 2 * error[0] < 0 or mean[0] < MIN_GAIN_DB or mean[1] < -min(error[1], MAX_DRIFT):
        return False
    for name in np.unique(degradations):
        part = gains[degradations == name]
        if len(part) < MIN_OF_DEGRADATION:
            continue
        chance = part.std(0) / np.sqrt(len(part))
        if part[:, 0].mean() < -max(chance[0], MAX_LOSS_DB) or part[:, 1].mean() < -max(chance[1], MAX_DRIFT):
            return False
    return True


def _mean(gains: NDArray[np.float64], degradations: NDArray[Any]) -> NDArray[np.float64]:
    """Mean gain in PSNR and likeness, clean faces weighing more."""
    weights = np.where(degradations == CLEAN, CLEAN_WEIGHT, 1)
    return np.asarray(np.average(gains, axis=0, weights=weights), np.float64)


def _worth(gains: NDArray[np.float64], degradations: NDArray[Any]) -> float:
    psnr_db, likeness = _mean(gains, degradations)
    return float(psnr_db + DB_PER_LIKENESS * likeness)
