"""What the parent tells its capture child, as JSON on the child's standard input."""

from __future__ import annotations

from pydantic import BaseModel

from edge.config import CameraConfig


class ChildSettings(BaseModel):
    """One camera, the ring's inherited descriptors, and the process to die with."""

    camera: CameraConfig
    memory_fd: int
    event_fd: int
    parent_pid: int
