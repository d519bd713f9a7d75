"""The thresholds to which this device was calibrated: a record that store, pipeline and calibration share."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Thresholds:
    """What a match needs on this device, by kind of picture, as `edge watchlist calibrate --write` stored it."""

    min_similarity: Mapping[str, float]
    min_margin: float
    one_in: float
    """False alerts wanted: at most one in this many faces."""
    model_sha256: str
    watchlist_digest: str
    at: dt.datetime
