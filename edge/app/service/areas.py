"""Zones and masks drawn on the page: kept in `areas.toml`, audited, and in force at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from edge.config import CameraConfig, Config
from edge.config.drawn import KINDS, DrawnAreas, added, read, rounded, write
from edge.errors import NotFoundError, PreconditionError, StoreError
from edge.serve.ports import CameraAreas
from edge.store import Store


class AreaKeeper:
    """Used on the event loop. `put_in_force` takes the configuration with the new areas."""

    def __init__(self, config: Callable[[], Config], store: Store, put_in_force: Callable[[Config], None]) -> None:
        self._config = config
        self._store = store
        self._put_in_force = put_in_force
        self._lock = asyncio.Lock()

    async def of(self, camera: str) -> CameraAreas:
        """What was drawn for a camera, and what its configuration says beside that; NotFoundError for no camera."""
        known = self._camera(camera)
        drawn = (await asyncio.to_thread(read, self._config().data_dir)).get(camera, DrawnAreas())
        own = _without(known, drawn)
        masks = tuple(
            (
                (one.x, one.y),
                (one.x + one.width, one.y),
                (one.x + one.width, one.y + one.height),
                (one.x, one.y + one.height),
            )
            for one in known.masks
        )
        fixed = {kind: getattr(own, kind) for kind in KINDS}
        return CameraAreas(drawn, fixed | {"mask_polygons": (*masks, *fixed["mask_polygons"])})

    async def save(self, camera: str, areas: DrawnAreas, *, version: str, by: str) -> None:
        """Keep and use what was drawn; PreconditionError if somebody else changed it since `version`, StoreError."""
        async with self._lock:
            known, folder = self._camera(camera), self._config().data_dir
            all_drawn = await asyncio.to_thread(read, folder)
            former = all_drawn.get(camera, DrawnAreas())
            if former.version != version:
                raise PreconditionError("somebody else has changed these zones since this page was opened")
            kept = DrawnAreas.model_validate({kind: rounded(getattr(areas, kind)) for kind in KINDS})
            try:
                await asyncio.to_thread(write, folder, {**all_drawn, camera: kept})
            except OSError as error:
                raise StoreError(
                    f"the zones can't be written: {error.strerror or error}; nothing has changed"
                ) from None
            noted = self._store.audit(by, "areas.change", f"camera {camera}", _told(former, kept))
            other = added(_without(known, former), kept)
            cameras = tuple(other if one.name == camera else one for one in self._config().camera)
            self._put_in_force(self._config().model_copy(update={"camera": cameras}))
            await asyncio.wrap_future(noted)

    def _camera(self, name: str) -> CameraConfig:
        for camera in self._config().camera:
            if camera.name == name:
                return camera
        raise NotFoundError(f"there is no camera {name[:40]!r}")


def _without(camera: CameraConfig, drawn: DrawnAreas) -> CameraConfig:
    """A camera as the configuration file has it: drawn areas are its last ones."""
    kept: dict[str, Any] = {}
    for kind in KINDS:
        polygons, last = getattr(camera, kind), getattr(drawn, kind)
        kept[kind] = polygons[: len(polygons) - len(last)] if last and polygons[-len(last) :] == last else polygons
    return camera.model_copy(update=kept)


def _told(former: DrawnAreas, kept: DrawnAreas) -> Mapping[str, object]:
    """What the audit says: the kinds that changed, with their new corners."""
    return {kind: rounded(getattr(kept, kind)) for kind in KINDS if getattr(kept, kind) != getattr(former, kind)}
