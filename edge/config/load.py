"""Reads the settings from one TOML file and `EDGE_...` variables; an error names file, key and nearest valid key."""

from __future__ import annotations

import contextlib
import difflib
import os
from pathlib import Path

from pydantic import ValidationError

from edge import disclosure, mistakes
from edge.config import file
from edge.config.drawn import with_drawn
from edge.config.settings import Config
from edge.errors import ConfigError

DEFAULT_PATH = Path("/etc/edge/edge.toml")


def load(path: Path | None = None, environ: dict[str, str] | None = None) -> Config:
    """Read the TOML file (the default one may be absent) and lay `EDGE_...` variables over it; raises ConfigError.

    `EDGE_DATA_DIR` sets `data_dir`, `EDGE_SERVE__PORT` sets `serve.port`, `EDGE_CAMERA` takes the list of cameras as
    JSON. `EDGE_TEST_...` and `EDGE_CONFIG` are not settings.
    """
    env = dict(os.environ) if environ is None else environ
    change = "give its path with --config, or leave --config out"
    if path is None and env.get("EDGE_CONFIG"):
        path, change = Path(env["EDGE_CONFIG"]), "correct the variable EDGE_CONFIG, or give another file with --config"
    source = path or DEFAULT_PATH
    if path is not None and not source.is_file():
        raise ConfigError(f"{path}: no such configuration file; {change}")
    values = file.read(source if source.is_file() else None, env)
    try:
        return with_drawn(_with_chosen_pack(Config.model_validate(values)))
    except ValidationError as error:
        raise ConfigError(disclosure.hide(explain(error, source))) from None


def pack_link(config: Config) -> Path:
    """Where `edge models use` puts its link: models_dir where that is set, else beside the data."""
    return config.models_dir if "models_dir" in config.model_fields_set else config.data_dir / "models" / "current"


def _with_chosen_pack(config: Config) -> Config:
    """Use the link that `edge models use` made, even a dangling one: a missing pack must be reported."""
    link = pack_link(config)
    with contextlib.suppress(OSError):  # the folder belongs to another user; the code that needs it reports that
        if "models_dir" not in config.model_fields_set and link.is_symlink():
            config = config.model_copy(update={"models_dir": link})
            config.model_fields_set.discard("models_dir")  # pydantic counts this as set by the user, who did not set it
    return config


def explain(error: ValidationError, source: Path) -> str:
    """One paragraph for the first problem: file, key, and the nearest valid key where one was misspelt."""
    # A misspelt key often shows as a missing one too; the misspelling is what the reader has to see.
    first = min(error.errors(), key=lambda problem: problem["type"] != "extra_forbidden")
    where = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        valid = sorted(mistakes.model_at(Config, first["loc"][:-1]).model_fields)
        near = difflib.get_close_matches(str(first["loc"][-1]), valid, n=1, cutoff=0.0)
        return f"{source}: unknown setting {where!r}; did you mean {near[0]!r}? Valid here: {', '.join(valid)}"
    more = f" ({error.error_count() - 1} more problems after it)" if error.error_count() > 1 else ""
    said = mistakes.said(first, Config)
    if not where:
        return f"{source}: {said}{more}"
    if where == "camera" and isinstance(first["input"], dict):
        return f"{source}: [camera] holds one camera of several: write [[camera]], in double brackets{more}"
    given = "" if first["type"] == "missing" else f" = {first['input']!r}"
    return f"{source}: {where}{given}: {said}{more}"
