"""What the parent tells its capture child, as JSON on the child's standard input.

Read without pydantic: the settings were checked by the parent, and each camera's child would hold 15 MB of it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from edge.config import CameraConfig, MaskConfig

CameraSettings: TypeAlias = "CameraConfig | CameraOrders"
Mask: TypeAlias = "MaskConfig | Rectangle"
Point = tuple[float, float]
Polygon = Sequence[Point]


@dataclass(frozen=True, slots=True)
class Rectangle:
    """A mask, in fractions of the frame's width and height."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class CameraOrders:
    """What of a camera's settings its child needs; the names and meanings are those of `CameraConfig`."""

    name: str
    source: str
    loop: bool
    realtime: bool
    fps: float
    width: int
    height: int
    aspect: str
    deinterlace: str
    transport: str
    open_timeout_s: float
    read_timeout_s: float
    stall_after_s: float
    masks: tuple[Rectangle, ...]
    mask_polygons: tuple[tuple[Point, ...], ...]


@dataclass(frozen=True, slots=True)
class ChildSettings:
    """One camera, the ring's inherited descriptors, and the process to die with."""

    camera: CameraOrders
    memory_fd: int
    event_fd: int
    parent_pid: int

    @classmethod
    def read(cls, text: str) -> ChildSettings:
        """What `written` wrote."""
        told = json.loads(text)
        return cls(_camera(told.pop("camera")), **told)


def written(camera: CameraConfig, memory_fd: int, event_fd: int, parent_pid: int) -> bytes:
    """The orders for one child."""
    told = camera.model_dump(mode="json", include={field.name for field in fields(CameraOrders)})
    return json.dumps({"camera": told, "memory_fd": memory_fd, "event_fd": event_fd, "parent_pid": parent_pid}).encode()


def _camera(told: dict[str, Any]) -> CameraOrders:
    masks = tuple(Rectangle(**mask) for mask in told.pop("masks"))
    polygons = tuple(tuple((x, y) for x, y in points) for points in told.pop("mask_polygons"))
    return CameraOrders(**told, masks=masks, mask_polygons=polygons)
