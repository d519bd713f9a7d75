"""Logs as one JSON object a line on stderr. No names, embeddings, pictures or passwords ever go in."""

from __future__ import annotations

import datetime as dt
import json
import logging
import sys

from edge import disclosure


class JsonFormatter(logging.Formatter):
    """Time, level, place, message; a traceback where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        at = dt.datetime.fromtimestamp(record.created, dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        line = {"at": at, "level": record.levelname.lower(), "logger": record.name, "message": record.getMessage()}
        if record.exc_info:
            line["traceback"] = record.exc_text or self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def configure_logging(level: str) -> None:
    """Log to stderr from `level` on; called once, by a command."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    handler.addFilter(disclosure.SecretsFilter())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    # numba narrates its compilation at debug level, and aiohttp every request at info.
    logging.getLogger("numba").setLevel(logging.WARNING)
    logging.getLogger("aiohttp.access").setLevel(logging.WARNING)
