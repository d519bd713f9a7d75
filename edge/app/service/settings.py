"""What a service refuses of its settings, and those that differ from the defaults, for the audit of changes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from edge.capture.address import parse_source
from edge.config import Config
from edge.serve.http import tls


def require_usable(config: Config) -> None:
    """Raise the ConfigError with which a service would end: no camera, an address that is none, settings of TLS."""
    config.require_camera()
    for camera in config.camera:
        parse_source(camera)
    tls.require_usable(config.serve)


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
