"""`edge run`."""

from __future__ import annotations

import asyncio
import logging
from typing import Annotated

import typer

from edge.cli.common import ConfigOption, read_config, take_untold
from edge.config import load


def run(
    config: ConfigOption = None,
    safe_page: Annotated[
        bool,
        typer.Option("--safe-page", help="where it can't start, serve a page that says why, and try again from there"),
    ] = False,
) -> None:
    """Run the service until it is told to stop. SIGHUP takes over settings that need no restart.

    With `--safe-page`, as the unit runs it, a wrong configuration or five starts in a row that come to nothing end in a
    page on the same port: 503 for every address, with what failed and what to do.
    """
    from edge.app.service import logs, service
    from edge.app.service import safe_page as safe

    if safe_page:
        safe.run(config, read_config)
        return
    settings = read_config(config)
    logs.configure_logging(settings.runtime.log_level)
    if told := take_untold():
        logging.getLogger(__name__).info("%s", told)
    asyncio.run(service.run(settings, reread=lambda: load(config)))
