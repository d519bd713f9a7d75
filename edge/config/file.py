"""Reads settings as plain values: the TOML file, and `EDGE_...` environment variables laid over it.

What the values mean, and whether they are right, is the business of `config`.
"""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

from edge import disclosure
from edge.errors import ConfigError
from edge.json_keys import unique


def read(path: Path | None, env: dict[str, str]) -> dict[str, Any]:
    """The values of the file, if one is given, with the environment's laid over; raises ConfigError."""
    values = {} if path is None else _read_toml(path)
    overlay(values, env)
    _remember_sources(values)
    return values


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(_text(path, path.read_bytes()))
    except OSError as error:
        raise ConfigError(f"{path}: can't be read ({error}); check the path and its permissions") from None
    except (ValueError, RecursionError) as error:  # numbers and nesting beyond what Python reads, too
        raise ConfigError(f"{path}: not valid TOML: {error}; correct that place") from None


def _text(path: Path, data: bytes) -> str:
    """The text of a settings file: UTF-8, with or without a byte order mark."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in data[:200]:
        wide = "UTF-32" if data.startswith((b"\xff\xfe\0\0", b"\0\0")) else "UTF-16"
        raise ConfigError(f"{path}: is {wide} text; save it as UTF-8 (in an editor: 'Save as', encoding UTF-8)")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigError(
            f"{path}: line {line} holds the byte 0x{data[error.start]:02X}, which is not UTF-8; save the file as UTF-8"
        ) from None


def is_setting(name: str) -> bool:
    """Whether an environment variable is meant to set something."""
    return name.startswith("EDGE_") and not name.startswith("EDGE_TEST_") and name != "EDGE_CONFIG"


def overlay(values: dict[str, Any], env: dict[str, str]) -> None:
    """Lay `EDGE_A__B=value` over `values`; names that are no setting are refused like a misspelt key."""
    named: dict[str, str] = {}
    for name, text in sorted(env.items()):
        if not is_setting(name):
            continue
        if (other := named.setdefault(name.upper(), name)) != name:
            raise ConfigError(f"{other} and {name} are both in the environment and are one setting; leave one out")
        keys = name.removeprefix("EDGE_").lower().split("__")
        table = values
        for key in keys[:-1]:
            table = table.setdefault(key, {})
            if not isinstance(table, dict):
                raise ConfigError(f"{name}: no such setting; a list is set whole, as JSON: EDGE_CAMERA='[{{...}}]'")
        table[keys[-1]] = _read_value(name, text)


def _read_value(name: str, text: str) -> Any:
    """Lists and tables are given as JSON; everything else stays text, which the models convert."""
    if not text.lstrip().startswith(("[", "{")):
        return text
    try:
        return json.loads(text, object_pairs_hook=unique)
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{name}: not valid JSON: {error}; correct that place") from None


def _remember_sources(values: Any) -> None:
    """Remember the passwords of all addresses in the settings, so that no error or log shows them."""
    if isinstance(values, str) and (":" in values or "=" in values):
        disclosure.remember(values)
    elif isinstance(values, dict | list):
        for value in values.values() if isinstance(values, dict) else values:
            _remember_sources(value)
