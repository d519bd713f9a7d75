"""`edge demo`."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated

import typer
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Column

from edge.cli.common import err, print_json
from edge.errors import ExitCode


def demo(
    once: Annotated[
        bool, typer.Option("--once", help="wait for the hit over HTTP and on the page, print it, stop")
    ] = False,
    port: Annotated[int, typer.Option(help="TCP port of the page; 0 takes a free one")] = 0,
) -> None:
    """Run the whole service on a rendered clip: no camera, no account, no download."""
    from edge.app import demo as show
    from edge.app.service import logs

    logs.configure_logging("warning")
    with _steps() as step:
        found = asyncio.run(
            show.run(once=once, port=port, say=lambda text: err.print(text, soft_wrap=True, markup=False), step=step)
        )
    if once:
        if found is None:
            err.print("edge: the demo's hit did not arrive in time; `edge doctor` says what is wrong with this machine")
            raise typer.Exit(int(ExitCode.FAILED))
        print_json(found)


@contextmanager
def _steps() -> Iterator[Callable[[str], None]]:
    """Yield a function that tells which step begins: a line each, or in a terminal one that moves and counts time."""
    text = TextColumn("{task.description}", markup=False, table_column=Column(overflow="fold"))  # nothing is cut off
    with Progress(
        SpinnerColumn(), text, TimeElapsedColumn(), console=err, disable=not sys.stderr.isatty(), transient=True
    ) as shown:

        def begin(text: str) -> None:
            for task in shown.task_ids:
                shown.remove_task(task)
            if shown.disable:
                err.print(f"{text} ...", soft_wrap=True, markup=False)
            shown.add_task(text, total=None)

        yield begin
