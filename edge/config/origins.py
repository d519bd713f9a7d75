"""Where settings come from: which file is in use and who named it, and which of file and environment set each key."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edge.config.file import is_setting, overlay
from edge.config.load import DEFAULT_PATH

DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Origins:
    """The file in use, and the keys that it and the environment set, such as `camera[door].source`."""

    path: Path
    named_by: str
    """`--config`, `EDGE_CONFIG`, or empty for the usual place."""
    in_file: frozenset[str] = frozenset()
    in_environment: Mapping[str, str] = field(default_factory=dict)
    """Key to the variable that sets it."""

    @property
    def is_there(self) -> bool:
        """Whether there is such a file."""
        return self.path.is_file()

    def of(self, key: str) -> str:
        """What set `key`: `default`, the file or a variable. A table or list set whole counts for its parts."""
        for prefix in _prefixes(key):
            if prefix in self.in_environment:
                return f"environment {self.in_environment[prefix]}"
        return f"file {self.path}" if any(prefix in self.in_file for prefix in _prefixes(key)) else DEFAULT

    def told(self) -> str:
        """One line for whoever did not name a file."""
        by = f" (named by {self.named_by})" if self.named_by else ""
        count = len(self.in_environment)
        more = f"{count} setting{'s' if count > 1 else ''} from the environment" if count else ""
        if self.is_there:
            return f"configuration: {self.path}{by}" + (f", {more}" if more else "")
        if self.named_by:
            return f"configuration: {self.path}{by} does not exist"
        return f"configuration: {self.path} does not exist; only {more or 'the defaults'} in force"


def find_origins(path: Path | None = None, environ: Mapping[str, str] | None = None) -> Origins:
    """What `load` would read. Reads the file as far as it can be read, and raises nothing: `load` does that."""
    env = dict(os.environ) if environ is None else dict(environ)
    named_by = "--config" if path else "EDGE_CONFIG" if env.get("EDGE_CONFIG") else ""
    source = path or (Path(env["EDGE_CONFIG"]) if named_by else DEFAULT_PATH)
    variables: dict[str, str] = {}
    for name in sorted(filter(is_setting, env)):
        values: dict[str, Any] = {}
        overlay(values, {name: env[name]})
        variables |= dict.fromkeys(_keys(values), name)
    try:
        values = tomllib.loads(source.read_text("utf-8-sig"))
    except (OSError, ValueError):
        values = {}
    return Origins(source, named_by, frozenset(_keys(values)), variables)


def _keys(values: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """Dotted keys of the leaves; the tables of a list go by their names."""
    for name, value in values.items():
        key = f"{prefix}{name}"
        if isinstance(value, dict) and value:
            yield from _keys(value, f"{key}.")
        elif isinstance(value, list) and value and all(isinstance(one, dict) and "name" in one for one in value):
            for one in value:
                yield from _keys(one, f"{key}[{one['name']}].")
        else:
            yield key


def _prefixes(key: str) -> Iterator[str]:
    """The key, and each table and list it lies in."""
    yield key
    for at in range(len(key) - 1, 0, -1):
        if key[at] in ".[":
            yield key[:at]
