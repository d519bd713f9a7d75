"""Notes in the audit which settings a service starts with, where they are others than at its last start."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from edge.capture.address import parse_source
from edge.config import Config


def told(config: Config) -> dict[str, str]:
    """What the configuration says beyond the defaults, by dotted key, as JSON text; addresses without passwords."""
    values = config.model_dump(mode="json", exclude_defaults=True)
    cameras = values.pop("camera", [])
    for camera, known in zip(cameras, config.camera, strict=True):
        camera["source"] = parse_source(known).shown
    by_name = {camera.pop("name"): camera for camera in cameras}
    return dict(_flat(values | ({"camera": by_name} if by_name else {})))


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield prefix + name, json.dumps(value)
