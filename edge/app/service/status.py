"""What a running box says of itself, for the page and `/api/v1/health`. Nothing is judged here: that is `checks`."""

from __future__ import annotations

import datetime as dt
import shutil
from typing import Any, Protocol

from edge import __version__
from edge.app.build import Models
from edge.app.health.conditions import Conditions
from edge.app.service.pause import Recognition
from edge.app.service.vision import HitWriter, Vision
from edge.config import Config
from edge.ops.system.sensors import temperature_c
from edge.store import Store, time_to_text
from edge.store.guarding import Pause


class Parts(Protocol):
    """The parts of a service that have something to say."""

    config: Config
    store: Store
    models: Models
    vision: Vision
    writer: HitWriter
    recognition: Recognition
    conditions: Conditions
    started_at: dt.datetime


def of_service(parts: Parts) -> dict[str, Any]:
    """State of a box that watches."""
    told = basics(parts.config, parts.store, parts.conditions, parts.started_at)
    return told | {
        "frames": parts.vision.frames_done,
        "store_problem": parts.writer.problem,
        "hits_waiting": parts.writer.num_waiting,
        "people": len(parts.vision.pipeline.watch.people),
        "models": parts.models.descriptions | parts.models.stages.enhancer.networks.describe(),
        "model_problem": parts.conditions.details().get("models"),
        "enhancement": parts.models.stages.enhancer.benefit.told(),
        "list_problem": _list_problem(parts.vision.pipeline.watch.good_until),
        "pause": _pause(parts.recognition.pause_now),
    }


def basics(config: Config, store: Store, conditions: Conditions, started_at: dt.datetime) -> dict[str, Any]:
    """What every box can say, also one that can't watch."""
    return {
        "version": __version__,
        "box_id": config.box_id or store.box_id,
        "started_at": started_at,
        "conditions": conditions.details(),
        "conditions_now": [
            {"subject": one.subject, "state": one.state, "since": time_to_text(one.since), "detail": one.detail}
            for one in conditions.now()
        ],
        "free_bytes": shutil.disk_usage(config.data_dir).free,
        "temperature_c": temperature_c(),
    }


def _list_problem(good_until: dt.datetime | None) -> str | None:
    if good_until is None or dt.datetime.now(dt.UTC) < good_until:
        return None
    return f"it was good until {time_to_text(good_until)}; confirm or change it, or raise max_age_days"


def _pause(pause: Pause | None) -> dict[str, str] | None:
    if pause is None:
        return None
    times = {"since": time_to_text(pause.since), "until": time_to_text(pause.until)}
    return {"by": pause.by, "reason": pause.reason, **times}
