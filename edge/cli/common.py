"""What every command shares: the configuration option, progress bars, and how results are printed."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, get_args

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from edge.cli import streams
from edge.config import Config, find_origins, load
from edge.config.site import Language
from edge.errors import AuthError
from edge.names import printable

ConfigOption = Annotated[
    Path | None, typer.Option("--config", help="configuration file [default: /etc/edge/edge.toml if it exists]")
]
LanguageOption = Annotated[
    str | None,
    typer.Option("--language", help="language of what is written for people: en, de [default: site.language]"),
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


FIRST_LINE_S, EVERY_S = 20.0, 60.0
"""Seconds after which a plain line tells how far long work is, where there is no terminal; the first one, the next."""


class PlainProgress(Progress):
    """Stands for the bar where stderr is no terminal: a plain line now and then, none for what is quick."""

    def __init__(self) -> None:
        super().__init__(console=err, disable=True)
        self._next_s = time.monotonic() + FIRST_LINE_S

    def update(self, task_id: TaskID, **changes: Any) -> None:
        """Take a change in, as `rich.progress.Progress` does, and tell of it when it is time to."""
        super().update(task_id, **changes)
        self._tell(task_id)

    def advance(self, task_id: TaskID, advance: float = 1) -> None:
        """The same for one more of the work."""
        super().advance(task_id, advance)
        self._tell(task_id)

    def _tell(self, task_id: TaskID) -> None:
        if time.monotonic() < self._next_s:
            return
        self._next_s = time.monotonic() + EVERY_S
        task = self._tasks[task_id]
        whole = "" if task.total is None else f" of {task.total:,.0f}"
        left = task.time_remaining
        told = "" if task.total is None or left is None else f", about {int(left) // 60}:{int(left) % 60:02d} left"
        print(f"edge: {printable(task.description)}: {task.completed:,.0f}{whole}{told}", file=sys.stderr)  # noqa: T201


@contextmanager
def progress() -> Iterator[Progress]:
    """A progress bar with the time left, on stderr; where that is no terminal, a plain line now and then."""
    if not sys.stderr.isatty():
        yield PlainProgress()
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(elapsed_when_finished=True),
    )
    with Progress(*columns, console=err, transient=True) as shown:
        yield shown


@contextmanager
def waiting(what: str) -> Iterator[None]:
    """For work whose length nobody knows: in a terminal a line that moves and counts the time; elsewhere nothing."""
    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
    with Progress(*columns, console=err, disable=not sys.stderr.isatty(), transient=True) as shown:
        shown.add_task(what, total=None)
        yield


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
        made.add_column(header, overflow="fold")  # nothing is cut off: a narrow terminal gets more lines
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


def require_language(settings: Config, language: str | None) -> str:
    """The language asked for, or the site's; or raise typer.BadParameter."""
    if language is not None and language not in get_args(Language):
        raise typer.BadParameter(f"--language is {' or '.join(get_args(Language))}, not {language!r}")
    return language or settings.site.language


def require_mode(mode: str) -> str:
    """Return the value of an option `--enhance`, or raise typer.BadParameter."""
    if mode not in {"auto", "off"}:
        raise typer.BadParameter(f"--enhance is auto or off, not {mode!r}")
    return mode
