"""The settings in force as lines: key, value, default, and what set it. Logins in addresses are left out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from edge import disclosure
from edge.config import DEFAULT, CameraConfig, Config, Origins, StatusConfig, drawn


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: JSON-ready value and default, and the origin: default, a file, or a variable."""

    key: str
    value: Any
    default: Any
    origin: str

    @property
    def is_default(self) -> bool:
        """Whether it has its default value, whoever set it."""
        return bool(self.value == self.default)


def effective(config: Config) -> dict[str, Any]:
    """Every setting in force, `table.key` to a JSON-ready value; addresses without user name and password."""
    return dict(_flat(config, ""))


def defaults(config: Config) -> dict[str, Any]:
    """The default of every key that `effective` gives; cameras have none for name and source."""
    found = effective(Config())
    for camera in config.camera:
        bare = CameraConfig(name=camera.name, source="none")
        own = dict(_flat(bare, "")) | {"name": None, "source": None}
        found |= {f"camera[{camera.name}].{key}": value for key, value in own.items()}
    for name in config.status:
        found |= dict(_flat(StatusConfig(), f"status.{name}."))
    return found


def settings_in_force(config: Config, origins: Origins) -> list[Setting]:
    """Every setting in force, in the order of the tables."""
    default, on_page = defaults(config), _drawn_keys(config)
    return [
        Setting(key, value, default.get(key), _origin(key, value, default.get(key), origins, on_page))
        for key, value in effective(config).items()
    ]


def _drawn_keys(config: Config) -> frozenset[str]:
    """Keys to which zones and masks were added on the page."""
    areas = drawn.read(config.data_dir).items()
    return frozenset(f"camera[{name}].{kind}" for name, one in areas for kind in drawn.KINDS if getattr(one, kind))


def _origin(key: str, value: Any, default: Any, origins: Origins, on_page: frozenset[str]) -> str:
    origin = origins.of(key)
    if key in on_page:
        return f"page {drawn.FILE}" if origin == DEFAULT else f"{origin}, page {drawn.FILE}"
    # `edge models use` leads the box to another pack without a setting.
    return "edge models use" if key == "models_dir" and origin == DEFAULT and value != default else origin


def _plain(value: Any) -> Any:
    """A value as JSON has it; a list as the text that TOML would have."""
    if isinstance(value, tuple):
        return json.dumps(value, ensure_ascii=False, default=str)
    return value if isinstance(value, bool | int | float) or value is None else str(value)


def _flat(model: BaseModel, prefix: str) -> Iterator[tuple[str, Any]]:
    for name in type(model).model_fields:
        value = getattr(model, name)
        items = value if isinstance(value, tuple) and value and isinstance(value[0], BaseModel) else None
        if isinstance(value, BaseModel):
            yield from _flat(value, f"{prefix}{name}.")
        elif isinstance(value, dict):
            for key, table in value.items():
                yield from _flat(table, f"{prefix}{name}.{key}.")
        elif items is not None:
            for number, item in enumerate(items):
                yield from _flat(item, f"{prefix}{name}[{getattr(item, 'name', number)}].")
        else:
            plain = _plain(value)
            yield f"{prefix}{name}", disclosure.shown(plain) if name == "source" and isinstance(plain, str) else plain
