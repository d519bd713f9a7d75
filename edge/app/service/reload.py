"""Takes over changed settings while the service runs (SIGHUP), as far as that is safe; the rest is named and waits.

Safe is what is looked up each time it is used, and changes neither what a frame goes through nor what others rely on.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Protocol

from edge.app.examine.queue import ExamineQueue
from edge.app.health.monitor import HealthMonitor
from edge.app.service import settings
from edge.app.service.logs import configure_logging
from edge.app.service.vision import VisionThread
from edge.config import Config
from edge.errors import EdgeError
from edge.ops.effective import effective
from edge.store import Store

log = logging.getLogger(__name__)

SAFE: Mapping[str, frozenset[str]] = {
    "runtime": frozenset({"log_level"}),
    "store": frozenset({"max_age_days", "max_image_bytes", "min_free_bytes"}),
    "watchlist": frozenset({"max_age_days"}),
    "examine": frozenset({"max_upload_bytes", "max_seconds", "keep_hours"}),
}
"""Settings by table that are taken over at once."""
AREAS = frozenset({"masks", "mask_polygons", "include_zones", "exclude_zones"})
"""Settings of each camera that are, too."""


class Reloadable(Protocol):
    """What of the running service follows its settings."""

    config: Config
    store: Store
    examiner: ExamineQueue
    monitor: HealthMonitor
    vision: VisionThread
    is_list_due: bool
    """Set where the list has to be loaded again though it has not changed."""


async def follow(asked: asyncio.Event, reread: Callable[[], Config] | None, service: Reloadable) -> None:
    """Whenever `asked` is set, read the settings again; runs until cancelled. What can't be used changes nothing."""
    while True:
        await asked.wait()
        asked.clear()
        if reread is None:
            log.warning("asked to read the settings again, but they came from no file: nothing changes")
            continue
        try:
            new = await asyncio.to_thread(reread)
        except EdgeError as error:
            log.error("the settings can't be used, and those before stay in force: %s", error)
            continue
        take_over(service, new)


def take_over(service: Reloadable, new: Config) -> None:
    """Put the safe settings of `new` in force; log what changed, and what needs a restart."""
    in_force = merged(service.config, new)
    former = service.config
    before, after, wanted = effective(former), effective(in_force), effective(new)
    changed = [key for key, value in after.items() if before.get(key) != value]
    waiting = sorted(key for key in {*after, *wanted} if after.get(key) != wanted.get(key))
    service.config = in_force
    if any(key.startswith("runtime.") for key in changed):
        configure_logging(in_force.runtime.log_level)
    take_areas(service, former, in_force)
    service.monitor.min_free_bytes = in_force.store.min_free_bytes
    service.examiner.take_over(in_force.examine)
    service.is_list_due = service.is_list_due or any(key.startswith("watchlist.") for key in changed)
    if changed:
        service.store.audit_log.record_settings(settings.changed_settings(in_force))
    for key in changed:
        log.warning("setting taken over: %s = %s, before %s", key, after[key], before.get(key))
    for key in waiting:
        log.warning("setting changed in the file, but needs a restart: %s", key)
    if not changed and not waiting:
        log.warning("settings read again: nothing has changed")


def take_areas(service: Reloadable, former: Config, new: Config) -> None:
    """Put the zones and masks of cameras in force that differ from the former ones."""
    for before, after in zip(former.camera, new.camera, strict=True):
        if before != after:
            service.vision.take_areas(after)


def merged(now: Config, new: Config) -> Config:
    """`now` with the safe settings of `new`."""
    tables = {}
    for name, keys in SAFE.items():
        table, wanted = getattr(now, name), getattr(new, name)
        tables[name] = table.model_copy(update={key: getattr(wanted, key) for key in keys})
    wanted_cameras = {camera.name: camera for camera in new.camera}
    cameras = tuple(
        camera.model_copy(update={key: getattr(wanted_cameras.get(camera.name, camera), key) for key in AREAS})
        for camera in now.camera
    )
    return now.model_copy(update={**tables, "camera": cameras})
