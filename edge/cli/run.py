"""`edge run`."""

from __future__ import annotations

import asyncio

from edge.cli.common import ConfigOption, read_config
from edge.config import load


def run(config: ConfigOption = None) -> None:
    """Run the service until it is told to stop. SIGHUP takes over settings that need no restart."""
    from edge.app.service import logs, service

    settings = read_config(config)
    logs.configure_logging(settings.runtime.log_level)
    asyncio.run(service.run(settings, reread=lambda: load(config)))
