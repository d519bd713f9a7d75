"""The part of the `box` object of `/api/v1/health` that needs no models; light to import: the page opens with it."""

from __future__ import annotations

import datetime as dt
import shutil
from typing import Any

from edge import __version__
from edge.app.health.conditions import Conditions
from edge.config import Config
from edge.ops.system.sensors import temperature_c
from edge.store import Store, time_to_text


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
