"""False match rates within and across groups of people: sex, skin, age. Pure functions of embeddings and file names.

Every pair of pictures counts as two different people. Where a set shows somebody twice, that pair is counted as a false
match, too, so the rates are too high; `most_alike` names the pairs to look at, and pairs at or above a `max_similarity`
can be left out. That leaves out strangers who are as alike, too.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations_with_replacement
from typing import Any

import numpy as np
from numpy.typing import NDArray

SEXES = ("male", "female")
SKINS = ("White", "Black", "Asian", "Indian", "others")
AGES = ((0, "under 16"), (16, "16-29"), (30, "30-44"), (45, "45-59"), (60, "60+"))
"""Youngest age of each band, in years, and its name."""
BOUNDS = "Wilson score interval, 95 %, pairs that share a picture not taken as independent"
_Z = 1.959964
_NAME = re.compile(r"\d+_(\d{1,3})_([01])_([0-4])", re.ASCII)
_BLOCK = 512

Counts = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Label:
    """What a file name says of the person: age in years, sex and skin as the set labels them."""

    age: int
    sex: str
    skin: str

    @property
    def band(self) -> str:
        """The age band."""
        return next(name for youngest, name in reversed(AGES) if self.age >= youngest)


@dataclass(frozen=True, slots=True)
class Rate:
    """False match rate of some pairs, with its 95 % bounds; all three are None where there are no pairs."""

    matches: int
    pairs: int
    fmr: float | None
    low: float | None
    high: float | None

    @classmethod
    def of(cls, matches: Counts, pairs: Counts) -> Rate:
        """From counts per picture, (N,) each: its matches, and the pairs it is in. A pair counts for both its pictures.

        Notes
        -----
        One picture is in many pairs, and some faces match many others, so pairs vary together. The variance of the
        rate for such pairs (Fafchamps and Gubert, 2007) over that of independent ones says how many independent pairs
        these are worth; the Wilson interval (1927) is taken for that many, never for more than there are. Without a
        match nothing tells how pairs vary together, and they count in full.
        """
        num_matches, num_pairs = int(matches.sum()) // 2, int(pairs.sum()) // 2
        if num_pairs == 0:
            return cls(0, 0, None, None, None)
        fmr = num_matches / num_pairs
        independent = num_pairs * fmr * (1 - fmr)
        together = float(((matches - fmr * pairs) ** 2).sum()) - independent
        worth = num_pairs / max(1.0, together / independent) if independent > 0 else num_pairs
        return cls(num_matches, num_pairs, fmr, *wilson(fmr, worth))


@dataclass(frozen=True, slots=True)
class Group:
    """One group: its pictures, those in which no face was found, and the pairs within it.

    `ratio_to_all` is its rate over that of all pairs, `ratio_to_mean` over the mean of the rates within the groups.
    """

    group: str
    num_pictures: int
    num_without_face: int
    within: Rate
    ratio_to_all: float | None
    ratio_to_mean: float | None


@dataclass(frozen=True, slots=True)
class Grouping:
    """Groups by one label; `cross` holds the rate of every two groups, the same one twice meaning within it."""

    within: Rate
    across: Rate
    groups: tuple[Group, ...]
    cross: Mapping[tuple[str, str], Rate]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready, the rate of a group flat beside its counts."""
        groups = [asdict(group) for group in self.groups]
        return {
            "within": asdict(self.within),
            "across": asdict(self.across),
            "groups": [{**group.pop("within"), **group} for group in groups],
            "cross": [{"groups": list(two), **asdict(rate)} for two, rate in self.cross.items()],
        }


def read_label(stem: str) -> Label | None:
    """The label in a file name without its suffix, NNNNN_AGE_SEX_SKIN; None where it is named otherwise."""
    found = _NAME.fullmatch(stem)
    if found is None:
        return None
    age, sex, skin = (int(number) for number in found.groups())
    return Label(age, SEXES[sex], SKINS[skin])


def group_names(labels: Sequence[Label]) -> dict[str, list[str]]:
    """The group of each picture by sex, skin, age, and by sex and skin together."""
    return {
        "sex": [label.sex for label in labels],
        "skin": [label.skin for label in labels],
        "age": [label.band for label in labels],
        "sex_skin": [f"{label.sex} {label.skin}" for label in labels],
    }


def wilson(share: float, number: float) -> tuple[float, float]:
    """95 % bounds of a share that was measured on `number` (> 0) independent trials, within 0..1."""
    middle = (share + _Z**2 / (2 * number)) / (1 + _Z**2 / number)
    half = _Z / (1 + _Z**2 / number) * np.sqrt(share * (1 - share) / number + _Z**2 / (4 * number**2))
    # Rounding must not push a bound past the share itself.
    return float(min(share, max(0.0, middle - half))), float(max(share, min(1.0, middle + half)))


def measure_all(embeddings: NDArray[np.float32], min_similarity: float, max_similarity: float | None = None) -> Rate:
    """The rate at which two of the (N, D) embeddings reach `min_similarity`; see `count_pairs` for the other limit."""
    everybody = np.ones((len(embeddings), 1), bool)
    matches, pairs = count_pairs(embeddings, everybody, min_similarity, max_similarity)
    return Rate.of(matches, pairs)


def measure_groups(
    embeddings: NDArray[np.float32],
    names: Sequence[str],
    min_similarity: float,
    max_similarity: float | None = None,
    *,
    without_face: Sequence[str] = (),
) -> Grouping:
    """Rates by group: `names` are the groups of the (N, D) embeddings, `without_face` those of pictures left out.

    Groups come in the order of SEXES, SKINS and AGES, others after them by name.
    """
    there = sorted({*names, *without_face}, key=_order)
    member = np.array([[name == group for group in there] for name in names], bool).reshape(len(names), len(there))
    matches, pairs = count_pairs(embeddings, member, min_similarity, max_similarity)
    inside = [Rate.of(matches[member[:, a], a], pairs[member[:, a], a]) for a in range(len(there))]
    cross = {}
    for a, b in combinations_with_replacement(range(len(there)), 2):
        first, second = member[:, a], member[:, b]
        both = [np.concatenate([counts[first, b], counts[second, a]]) for counts in (matches, pairs)]
        cross[there[a], there[b]] = inside[a] if a == b else Rate.of(*both)
    own = [(counts * member).sum(axis=1) for counts in (matches, pairs)]
    others = [(counts * ~member).sum(axis=1) for counts in (matches, pairs)]
    overall = Rate.of(matches.sum(axis=1), pairs.sum(axis=1)).fmr
    groups = _groups(there, names, Counter(without_face), inside, overall)
    return Grouping(Rate.of(*own), Rate.of(*others), groups, cross)


def count_pairs(
    embeddings: NDArray[np.float32],
    member: NDArray[np.bool_],
    min_similarity: float,
    max_similarity: float | None = None,
) -> tuple[Counts, Counts]:
    """Matches and pairs of each of (N, D) embeddings with the others of each group, (N, G) both.

    `member` (N, G) says which group each is in. Pairs that reach `max_similarity` are taken for one person and count as
    neither; None leaves out none.
    """
    matches = _count_alike(embeddings, member, min_similarity)
    pairs = member.sum(axis=0) - member.astype(np.int64)
    if max_similarity is None:
        return matches, pairs
    same = _count_alike(embeddings, member, max(max_similarity, min_similarity))
    return matches - same, pairs - _count_alike(embeddings, member, max_similarity)


def _groups(
    there: Sequence[str], names: Sequence[str], missed: Counter[str], inside: Sequence[Rate], overall: float | None
) -> tuple[Group, ...]:
    """The groups with their ratios: `inside` are the rates within each, `overall` that of all pairs."""
    known = [rate.fmr for rate in inside if rate.fmr is not None]
    mean = sum(known) / len(known) if known else None
    sizes = Counter(names)
    return tuple(
        Group(
            group=group,
            num_pictures=sizes[group] + missed[group],
            num_without_face=missed[group],
            within=rate,
            ratio_to_all=_ratio(rate.fmr, overall),
            ratio_to_mean=_ratio(rate.fmr, mean),
        )
        for group, rate in zip(there, inside, strict=True)
    )


def most_alike(embeddings: NDArray[np.float32], number: int) -> list[tuple[int, int, float]]:
    """The `number` most similar pairs of (N, D) embeddings: two rows and their similarity, highest first."""
    found: list[tuple[int, int, float]] = []
    for start, similarities in _pairs(embeddings):
        least = max(0, similarities.size - number)
        best = np.argpartition(similarities, least, axis=None)[least:] if least else np.arange(similarities.size)
        rows, columns = np.unravel_index(best, similarities.shape)
        found += [
            (start + int(row), start + int(column), float(similarities[row, column]))
            for row, column in zip(rows, columns, strict=True)
            if row < column
        ]
        found = sorted(found, key=lambda pair: -pair[2])[:number]
    return found


def _pairs(embeddings: NDArray[np.float32]) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """Every pair once, in blocks: the first row, and the similarities to all rows from there; -inf is no pair."""
    for start in range(0, len(embeddings), _BLOCK):
        similarities = embeddings[start : start + _BLOCK] @ embeddings[start:].T
        similarities[np.tril_indices(len(similarities), 0, similarities.shape[1])] = -np.inf
        yield start, similarities


def _count_alike(embeddings: NDArray[np.float32], member: NDArray[np.bool_], limit: float) -> Counts:
    """Per embedding, how many others of each group reach the limit: (N, G)."""
    groups = member.astype(np.float32)
    counts = np.zeros(member.shape, np.int64)
    for start, similarities in _pairs(embeddings):
        matched = (similarities >= limit).astype(np.float32)
        stop = start + len(matched)
        counts[start:stop] += (matched @ groups[start:]).astype(np.int64)
        counts[start:] += (matched.T @ groups[start:stop]).astype(np.int64)
    return counts


def _ratio(fmr: float | None, other: float | None) -> float | None:
    return fmr / other if fmr is not None and other else None


def _order(name: str) -> tuple[int, ...] | tuple[int, str]:
    known = [*SEXES, *SKINS, *(band for _, band in AGES), *(f"{sex} {skin}" for sex in SEXES for skin in SKINS)]
    return (known.index(name),) if name in known else (len(known), name)
