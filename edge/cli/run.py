"""`edge run`."""

from __future__ import annotations

import asyncio

from edge.cli.common import ConfigOption, read_config


def run(config: ConfigOption = None) -> None:
    """Run the service until it is told to stop."""
    from edge.app.service import logs, service

    settings = read_config(config)
    logs.configure_logging(settings.runtime.log_level)
    asyncio.run(service.run(settings))
