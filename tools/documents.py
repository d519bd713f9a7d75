"""Write docs/commands.md and docs/settings.md from the program itself: `python -m tools.documents`.

`--check` writes nothing and ends with 1 where a page is stale. Run it after a change of a command or a setting.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import typer
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from edge.cli.root import app
from edge.config import Config

DOCS = Path(__file__).resolve().parent.parent / "docs"
_GENERATED = "<!-- Written by `python -m tools.documents`. Change the program, not this page. -->\n\n"

_COMMANDS = """# Commands

Every command prints its options with `--help`.

- Most commands take `--config FILE`; without it they read `/etc/edge/edge.toml` if that exists. Every
  [setting](settings.md) can also come from the environment.
- With `--json`, standard output holds machine output and nothing else. Progress bars go to standard error, and only to
  a terminal.
- An error is one paragraph on standard error: what happened, where, and what to do.
- On an appliance that the Ansible role has set up, `sudo edge ...` runs a command as the service's user. In a checkout,
  write `.venv/bin/edge ...`.

| exit code | meaning |
|---|---|
| 0 | done |
| 1 | the work failed |
| 2 | wrong usage |
| 65 | bad input data |
| 69 | camera or service unavailable |
| 74 | storage |
| 78 | configuration |

Several commands can make pictures worse on purpose, to measure what that does: `--degrade NAME:LEVEL`. The
[contract](contract.md#degradations) lists names and levels.
"""

_SETTINGS = """# Settings

One TOML file holds the configuration: `/etc/edge/edge.toml`, unless `--config` names another. An unknown key is
refused with exit code 78, and the message names the nearest valid key. This is the least that runs:

```toml
{example}```

Every setting can also be given in the environment. Write `EDGE_`, the table, two underscores and the key, in capitals:
`EDGE_DATA_DIR`, `EDGE_SERVE__PORT`, `EDGE_STATUS__BANNED__SEVERITY`. Lists are given as JSON, as in `EDGE_CAMERA`.

A default of *none* means that the setting may be left out.
"""


def main() -> int:
    """Write the generated pages, or check them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 where a page is stale")
    check = parser.parse_args().check
    stale = [path for path, text in pages().items() if not path.is_file() or path.read_text("utf-8") != text]
    for path in stale:
        if check:
            print(f"{path.name} is stale: run python -m tools.documents")
        else:
            path.write_text(pages()[path], "utf-8")
            print(f"wrote docs/{path.name}")
    return 1 if check and stale else 0


def pages() -> dict[Path, str]:
    """Text of each generated page by its path."""
    return {DOCS / "commands.md": _GENERATED + commands_page(), DOCS / "settings.md": _GENERATED + settings_page()}


def commands_page() -> str:
    """Every command of `edge`, with its arguments and options."""
    found = list(commands(typer.main.get_command(app), "edge"))
    parts = [_COMMANDS, "## All commands\n", "| command | does |\n|---|---|"]
    parts += [f"| [`{line}`](#{line.replace(' ', '-')}) | {_cell(_first(command.help))} |" for line, command in found]
    for line, command in found:
        parts += ["", f"## {line}", "", " ".join(command.help.split()), "", f"    {_usage(line, command)}"]
        rows = [_option(p) for p in command.params if p.name != "help"]
        if rows:
            parts += ["", "| option | default | meaning |\n|---|---|---|", *rows]
    return "\n".join(parts) + "\n"


def commands(group: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    """(command line, command) of every command, groups opened."""
    for name, command in sorted(group.commands.items()):
        line = f"{prefix} {name}"
        if hasattr(command, "commands"):
            yield from commands(command, line)
        else:
            yield line, command


def _usage(line: str, command: Any) -> str:
    words = [line]
    for p in command.params:
        if p.param_type_name == "argument":
            word = p.name.upper() + ("..." if p.nargs == -1 else "")
            words.append(word if p.required else f"[{word}]")
        elif p.required:
            words.append(f"{p.opts[0]} {p.name.upper()}")
    return " ".join(words) + (" [OPTIONS]" if any(not p.required for p in command.params) else "")


def _option(p: Any) -> str:
    is_argument = p.param_type_name == "argument"
    names = p.name.upper() if is_argument else ", ".join(p.opts + p.secondary_opts)
    # A default that is found out only when the command runs stands in the help, in brackets.
    text, _, told = (p.help or "").partition(" [default: ")
    default = _value(None if p.default in ("", ()) else p.default)
    return f"| `{names}` | {'required' if p.required else _cell(told.removesuffix(']')) or default} | {_cell(text)} |"


def _first(text: str) -> str:
    return text.split("\n\n")[0].replace("\n", " ").strip()


def _cell(text: str) -> str:
    # Square brackets would be read as links, bars as columns.
    return " ".join(text.split()).replace("|", "\\|").replace("[", "\\[").replace("]", "\\]")


def settings_page() -> str:
    """Every setting, table by table, with default, limits and meaning."""
    example = (DOCS.parent / "edge.example.toml").read_text("utf-8").partition("\n\n")[2].partition("\n# ")[0] + "\n"
    parts = [_SETTINGS.format(example=example)]
    for name, doc, fields in _tables(Config, ""):
        title = f"`{name}`" if name else "Top of the file"
        parts += [f"## {title}\n", *([f"{doc}\n"] if name else [])]
        parts.append("| setting | default | limits | meaning |\n|---|---|---|---|")
        parts += [f"| `{key}` | {_default(f)} | {_limits(f)} | {_cell(f.description or '')} |" for key, f in fields]
        parts.append("")
    return "\n".join(parts).rstrip("\n") + "\n"


def _tables(model: type[BaseModel], name: str) -> Iterator[tuple[str, str, list[tuple[str, FieldInfo]]]]:
    """(table, what it is for, its settings), the table before those within it."""
    own, inner = [], []
    for key, field in model.model_fields.items():
        deeper = _model_of(field.annotation)
        if deeper is not None:
            one_of_many = ".NAME" if get_origin(field.annotation) is dict else ""
            inner.append((deeper, f"{name}.{key}{one_of_many}".strip(".")))
        if deeper is None or field.description:
            own.append((key, field))
    yield name, " ".join((model.__doc__ or "").split()), own
    for deeper, path in inner:
        yield from _tables(deeper, path)


def _model_of(kind: Any) -> type[BaseModel] | None:
    for one in (kind, *getattr(kind, "__args__", ())):
        if isinstance(one, type) and issubclass(one, BaseModel):
            return one
    return None


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    if field.annotation is not None and "Path" in str(field.annotation) and "models" in str(field.default):
        return "the packaged pack"
    return _value(field.default)


def _value(value: Any) -> str:
    """A value as TOML writes it."""
    if value is None:
        return "*none*"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, list | tuple):
        return f"`[{', '.join(map(str, value))}]`"
    return f"`{value}`" if value != "" else "empty"


def _limits(field: FieldInfo) -> str:
    if field.annotation is bool:
        return "true or false"
    if get_origin(field.annotation) is Literal:
        return ", ".join(f"`{one}`" if one else "empty" for one in get_args(field.annotation))
    signs = {"gt": "over", "ge": "from", "le": "to", "min_length": "at least", "max_length": "at most"}
    texts = []
    for rule in field.metadata:
        for name, sign in signs.items():
            value = getattr(rule, name, None)
            if value is not None:
                unit = (" character" if value == 1 else " characters") if "length" in name else ""
                texts.append(f"{sign} {value:,}{unit}")
        if pattern := getattr(rule, "pattern", None):
            texts.append("`" + pattern.replace("|", "\\|") + "`")
    return " ".join(texts)


if __name__ == "__main__":
    sys.exit(main())
