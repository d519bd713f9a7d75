"""Predicts how often a face that is not on the list would match at a setting, from measured impostor similarities."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence

NOT_CALIBRATED = "not calibrated"
MAX_FACES_PER_ALERT = 500_000.0
"""Largest promise: 100 times the number of synthetic strangers. No fit is trusted beyond."""


def expected_false_alerts(
    min_similarity: float, num_people: int, impostor_tail: Sequence[Sequence[float]] | None
) -> str:
    """Like "about 1 in N faces at this setting, list of M", or "not calibrated" where nothing was measured.

    `impostor_tail` is the embed model's measured `scores.impostor_tail`: [similarity, FMR] with similarity rising. A
    list of M people gives a stranger M chances, taken as independent: 1 - (1 - FMR)^M. The margin, which lowers it, and
    several references per person, which raise it, are left out; hence "about". Beyond the last measured similarity the
    answer is "fewer than", never an extrapolation.
    """
    fmr = fmr_at(min_similarity, impostor_tail)
    if fmr is None or num_people < 0:
        return NOT_CALIBRATED
    if num_people == 0:
        return "none, list of 0"
    rate, measured = fmr
    fpir = -math.expm1(num_people * math.log1p(-min(rate, 1.0 - 1e-12)))
    word = "about" if measured else "fewer than"
    return f"{word} 1 in {_round(1.0 / fpir):,} faces at this setting, list of {num_people}"


def calibrated_false_alerts(bound: float, num_people: int) -> str:
    """The same sentence from a calibration: `bound` is the 95 % bound of the rate at which strangers would match."""
    if num_people == 0:
        return "none, list of 0"
    one_in = 1.0 / max(bound, 1.0 / MAX_FACES_PER_ALERT)
    word = "fewer than" if one_in >= MAX_FACES_PER_ALERT else "about"
    return f"{word} 1 in {_round(one_in):,} faces at this setting, list of {num_people}"


def rarity(bound: float) -> int:
    """One in how many strangers would be this alike, never more than is promised."""
    return _round(1.0 / max(bound, 1.0 / MAX_FACES_PER_ALERT))


def fmr_at(similarity: float, impostor_tail: Sequence[Sequence[float]] | None) -> tuple[float, bool] | None:
    """(FMR, whether measured there): log-linear between entries, the last entry beyond; None without a table."""
    table = sorted((float(s), float(f)) for s, f in impostor_tail or () if f > 0)
    if not table:
        return None
    similarities = [s for s, _ in table]
    at = bisect_left(similarities, similarity)
    if at == 0:
        # Below the table strangers match at least this often, so the only safe bound is one in one.
        return (table[0][1] if similarity == similarities[0] else 1.0), True
    if at == len(table):
        return table[-1][1], False
    (left, fmr_left), (right, fmr_right) = table[at - 1], table[at]
    share = (similarity - left) / (right - left)
    return math.exp((1 - share) * math.log(fmr_left) + share * math.log(fmr_right)), True


def _round(number: float) -> int:
    """Two significant digits, downwards: a promise is not rounded up (but 999.9999 from floating point is 1,000)."""
    whole = math.floor(number * (1 + 1e-9))
    step = int(10 ** max(0, len(str(whole)) - 2))
    return max(1, whole // step * step)
