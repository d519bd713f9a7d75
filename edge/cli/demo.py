"""`edge demo`."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

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
    found = asyncio.run(show.run(once=once, port=port, say=lambda text: err.print(text, soft_wrap=True)))
    if once:
        if found is None:
            err.print("edge: the demo's hit did not arrive in time; `edge doctor` says what is wrong with this machine")
            raise typer.Exit(int(ExitCode.FAILED))
        print_json(found)
