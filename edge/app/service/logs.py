"""Logs on stderr: one JSON object a line, or plain lines where a person reads them in a terminal.

No names, embeddings, pictures or passwords ever go in.
"""

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


class PlainFormatter(logging.Formatter):
    """Local time, level where it is more than news, message; a traceback where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        at = dt.datetime.fromtimestamp(record.created).astimezone().strftime("%H:%M:%S")
        level = "" if record.levelno <= logging.INFO else f"{record.levelname.lower()}: "
        more = "\n" + self.formatException(record.exc_info) if record.exc_info else ""
        # A control character in a camera's answer must not drive somebody's terminal.
        text = "".join(letter if letter.isprintable() else "?" for letter in record.getMessage())
        return f"{at} {level}{text}{more}"


def configure_logging(level: str) -> None:
    """Log to stderr from `level` on; called by a command, and again when the level changes."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(PlainFormatter() if sys.stderr.isatty() else JsonFormatter())
    handler.addFilter(disclosure.SecretsFilter())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    # numba narrates its compilation at debug level, and aiohttp every request at info.
    logging.getLogger("numba").setLevel(logging.WARNING)
    logging.getLogger("aiohttp.access").setLevel(logging.WARNING)
