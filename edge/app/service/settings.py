"""The settings that differ from the defaults, for the audit entry the store writes when they change."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from edge.capture.address import parse_source
from edge.config import Config


def changed_settings(config: Config) -> dict[str, str]:
    """Return the non-default settings as JSON text by dotted key. Camera addresses are shown without passwords."""
    values = config.model_dump(mode="json", exclude_defaults=True)
    cameras = values.pop("camera", [])
    for camera, known in zip(cameras, config.camera, strict=True):
        camera["source"] = parse_source(known).shown
    by_name = {camera.pop("name"): camera for camera in cameras}
    return dict(_flatten(values | ({"camera": by_name} if by_name else {})))


def _flatten(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _flatten(value, f"{prefix}{name}.")
        else:
            yield prefix + name, json.dumps(value)
