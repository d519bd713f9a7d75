"""What every command shares: the configuration option, progress bars, and how results are printed."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from edge.cli import streams
from edge.config import Config, find_origins, load
from edge.errors import AuthError
from edge.names import printable

ConfigOption = Annotated[
    Path | None, typer.Option("--config", help="configuration file [default: /etc/edge/edge.toml if it exists]")
]
JsonOption = Annotated[bool, typer.Option("--json", help="print machine output on stdout, and nothing else there")]

# Without a terminal rich assumes 80 columns; a file or pipe should not be wrapped at that.
out = Console(soft_wrap=True, highlight=False, width=None if sys.stdout is not None and sys.stdout.isatty() else 200)
err = Console(stderr=True, highlight=False)


def read_config(path: Path | None, **changes: Any) -> Config:
    """The configuration with top-level `changes` laid over it; None leaves a setting alone.

    Says on stderr which configuration that is where no `--config` did.
    """
    tell_config(path)
    config = load(path)
    return config.model_copy(update={name: value for name, value in changes.items() if value is not None})


_untold: list[str] = []


def tell_config(path: Path | None) -> None:
    """Say on stderr which configuration is in use, unless the command line named it.

    In a terminal at once. Elsewhere `main` says it at the end: an error is one paragraph, and has it in brackets.
    """
    _untold.clear()
    if path is None:
        told = printable(find_origins().told())
        if sys.stderr.isatty():
            print(f"edge: {told}", file=sys.stderr)  # noqa: T201
        else:
            _untold.append(told)


def take_untold() -> str:
    """What is still to be said of the configuration; empty where nothing is."""
    return _untold.pop() if _untold else ""


def print_json(value: Any) -> None:
    """One JSON document on stdout."""
    text = json.dumps(value, ensure_ascii=not streams.is_unicode(sys.stdout), default=str)
    sys.stdout.write(printable(text) + "\n")


@contextmanager
def progress(total: float | None = None) -> Iterator[Progress]:
    """A progress bar with the time left, on stderr, and only where that is a terminal."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(elapsed_when_finished=True),
    )
    with Progress(*columns, console=err, disable=not sys.stderr.isatty(), transient=True) as progress_bars:
        yield progress_bars


@contextmanager
def progress_bars() -> Iterator[Callable[[str, int, int], None]]:
    """Yield a function `(task, done, total)` that shows one progress bar per task."""
    with progress() as shown:
        tasks: dict[str, Any] = {}

        def tell(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = shown.add_task(what, total=total)
            shown.update(tasks[what], completed=done, total=total)

        yield tell


def table(title: str | None, *headers: str) -> Table:
    """A plain table in the house style."""
    made = Table(title=title, title_justify="left", header_style="bold", box=None, pad_edge=False)
    for header in headers:
        made.add_column(header)
    return made


def require(is_met: bool, message: str) -> None:
    """Raise AuthError with this message unless the condition is met."""
    if not is_met:
        raise AuthError(message)


def print_rows(rows: list[dict[str, str]], as_json: bool, *headers: str) -> None:
    """Print rows as JSON, or as a table of these columns."""
    if as_json:
        print_json(rows)
        return
    made = table(None, *headers)
    for row in rows:
        made.add_row(*(row[header] for header in headers))
    out.print(made)


def require_mode(mode: str) -> str:
    """Return the value of an option `--enhance`, or raise typer.BadParameter."""
    if mode not in {"auto", "off"}:
        raise typer.BadParameter(f"--enhance is auto or off, not {mode!r}")
    return mode
