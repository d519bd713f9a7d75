"""`edge watchlist calibrate`: scores synthetic strangers against the watchlist to find limits for an alert rate."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict
from typing import Any

from edge.app.build import Models, load_active_list
from edge.config import Config
from edge.errors import ConfigError
from edge.store import Store
from edge.thresholds import Thresholds
from edge.watchlist.calibration import calibrate as score
from edge.watchlist.false_alerts import calibrated_false_alerts
from edge.watchlist.margin import choose_margin


def calibrate(
    config: Config, models: Models, store: Store, *, one_in: float, min_margin: float | None, write: bool
) -> dict[str, Any]:
    """Return limits for at most one false alert in `one_in` faces, their curve, and the limits in force now.

    Without `min_margin` the margin is chosen too, as the largest that costs the people of this list next to nothing.
    With `write` the limits are kept in the database, and a running service takes them over within a second.
    """
    if not models.strangers:
        raise ConfigError(
            f"{config.models_dir}: the model pack holds no strangers for the embedder in use, so nothing can be "
            "calibrated; restore the pack, or choose its own embedder"
        )
    active_list = load_active_list(store, models)
    chosen = None
    if min_margin is None:
        chosen = choose_margin(active_list.gallery, models.strangers, models.likeness, one_in)
    margin = config.recognise.min_margin if min_margin is None else min_margin
    made, rows = chosen or (score(active_list.gallery, models.strangers, margin), ())
    if made is None:
        raise ConfigError("nobody is enrolled, so nothing can be calibrated; enrol people first (`edge enrol`)")
    margin, limits = made.min_margin, made.thresholds(one_in)
    impossible = sorted(kind for kind, limit in limits.items() if limit >= 1.0)
    if impossible:
        raise ConfigError(
            f"one false alert in {one_in:,.0f} faces can't be promised for {', '.join(impossible)} pictures; "
            "ask for a smaller number with --one-in"
        )
    if write:
        now = dt.datetime.now(dt.UTC)
        kept = Thresholds(limits, margin, one_in, models.stages.embedder.sha256, active_list.digest, now)
        store.calibration.put_thresholds(kept).result()
    return {
        "one_in": one_in,
        "people": len(active_list.people),
        "references": active_list.gallery.num_references,
        "min_margin": margin,
        "margins": [asdict(row) for row in rows],
        "written": write,
        "kinds": {
            kind: {
                "min_similarity": limit,
                "expected_false_alerts": calibrated_false_alerts(
                    made.tails[kind].bound(limit), len(active_list.people)
                ),
                "now": _limit_in_force(config, active_list.thresholds, kind),
                "strangers": len(made.tails[kind].scores),
                "shared_likeness": round(made.biases.get(kind, 0.0), 4),
                "curve": made.curve(kind),
            }
            for kind, limit in limits.items()
        },
    }


def _limit_in_force(config: Config, kept: Thresholds | None, kind: str) -> dict[str, Any]:
    """The limits in force."""
    if kept is None or kind not in kept.min_similarity:
        return {"min_similarity": config.recognise.min_similarity, "source": "configuration"}
    return {"min_similarity": kept.min_similarity[kind], "source": "calibration"}
