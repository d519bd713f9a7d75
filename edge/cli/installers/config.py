"""`edge config ...`: whether the settings are right, what they are, and where each comes from."""

from __future__ import annotations

import re
from typing import Annotated, Any

import typer
from rich.markup import escape

from edge.cli.common import ConfigOption, JsonOption, err, out, print_json, read_config, table

app = typer.Typer(help="Settings.", no_args_is_help=True)


@app.command("check")
def config_check(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Read the settings as the service would; exit 78 names what is wrong. Warns of values that can't work together."""
    from edge.app.service.settings import require_usable
    from edge.config import find_origins
    from edge.ops.doctor.settings import contradictions

    settings = read_config(config)
    require_usable(settings)
    warnings = list(contradictions(settings))
    if as_json:
        file = find_origins(config)
        print_json({"file": str(file.path) if file.is_there else None, "warnings": [w.as_json() for w in warnings]})
        return
    for warning in warnings:
        err.print(f"warning: {warning.found}; {warning.fix}", soft_wrap=True, markup=False)
    out.print("The settings can be used.", markup=False)


@app.command("show")
def config_show(
    key: Annotated[str | None, typer.Argument(help="only this setting or table, such as serve.port or camera")] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print every setting in force and what set it: default, the file, or a variable of the environment."""
    _print([one for one in _settings(config) if key is None or _is_in(key, one.key)], as_json, key)


@app.command("diff")
def config_diff(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Print the settings whose value is not the default, with the default beside it."""
    _print([one for one in _settings(config) if not one.is_default], as_json, None, show_default=True)


def _settings(config: Any) -> list[Any]:
    from edge.config import find_origins
    from edge.ops.effective import settings_in_force

    return settings_in_force(read_config(config), find_origins(config))


def _is_in(wanted: str, key: str) -> bool:
    return key == wanted or key.startswith((f"{wanted}.", f"{wanted}["))


def _print(found: list[Any], as_json: bool, key: str | None, *, show_default: bool = False) -> None:
    if key is not None and not found:
        raise typer.BadParameter(f"{key!r} is no setting; `edge config show` lists them all")
    if as_json:
        print_json([{"key": s.key, "value": s.value, "default": s.default, "from": s.origin} for s in found])
        return
    rows = table(None, "setting", "value", *(["default"] if show_default else []), "from")
    for one in found:
        more = [_shown(one.default)] if show_default else []
        origin = re.sub(r"^file [^,]+", "file", one.origin)  # which one was said at the top, or asked for
        rows.add_row(escape(one.key), *map(escape, [_shown(one.value), *more, origin]))
    out.print(rows if found else "Every setting has its default.")


def _shown(value: Any) -> str:
    """A value as TOML writes it, near enough to be read."""
    if value is None:
        return "-"
    return str(value).lower() if isinstance(value, bool) else str(value) if value != "" else '""'
