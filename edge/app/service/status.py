"""The `box` object of `/api/v1/health` and of the page; `health.checks` decides what is wrong.

Light to import: the page opens with `basic_status`, the part that needs no models.
"""

from __future__ import annotations

import datetime as dt
import shutil
from typing import TYPE_CHECKING, Any, Protocol

from edge import __version__
from edge.app.health.conditions import Conditions
from edge.config import Config
from edge.ops.system.sensors import temperature_c
from edge.store import Store, time_to_text
from edge.store.coverage.pause import Pause

if TYPE_CHECKING:
    from edge.app.build import Models
    from edge.app.health.drift import FaceDrift
    from edge.app.health.lowering import LoweringOrder
    from edge.app.service.outbox import Outbox
    from edge.app.service.pause import RecognitionSwitch
    from edge.app.service.vision import VisionThread
    from edge.ops.system.camera_status import CameraStatusCollector


def basic_status(config: Config, store: Store, conditions: Conditions, started_at: dt.datetime) -> dict[str, Any]:
    """The part of the health object that needs no models."""
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


class ServiceParts(Protocol):
    """The parts of a service that the status reports on."""

    config: Config
    store: Store
    models: Models
    vision: VisionThread
    outbox: Outbox
    recognition: RecognitionSwitch
    conditions: Conditions
    camera_status: CameraStatusCollector
    drift: FaceDrift
    lowering: LoweringOrder
    started_at: dt.datetime


def service_status(parts: ServiceParts) -> dict[str, Any]:
    """The health object of a running service."""
    told = basic_status(parts.config, parts.store, parts.conditions, parts.started_at)
    return told | {
        "frames": parts.vision.frames_done,
        "store_problem": parts.outbox.problem,
        "hits_waiting": parts.outbox.num_waiting_hits,
        "people": len(parts.vision.pipeline.active_list.people),
        "models": parts.models.descriptions | parts.models.stages.enhancer.networks.describe(),
        "model_problem": parts.conditions.details().get("models"),
        "enhancement": parts.models.stages.enhancer.benefit.told(),
        "list_problem": _stale_list_problem(parts.vision.pipeline.active_list.good_until),
        "pause": _pause(parts.recognition.pause_now),
        "faces": parts.camera_status.faces(),
        "comparisons": parts.drift.comparisons,
        "lowering": parts.lowering.step.name.lower(),
    }


def _stale_list_problem(good_until: dt.datetime | None) -> str | None:
    if good_until is None or dt.datetime.now(dt.UTC) < good_until:
        return None
    return f"it was good until {time_to_text(good_until)}; confirm or change it, or raise max_age_days"


def _pause(pause: Pause | None) -> dict[str, str] | None:
    if pause is None:
        return None
    times = {"since": time_to_text(pause.since), "until": time_to_text(pause.until)}
    return {"by": pause.by, "reason": pause.reason, **times}
