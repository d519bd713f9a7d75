"""Logs refused requests: the first of each address and kind at once, then a count per minute. No secrets or names."""

from __future__ import annotations

import logging
import time

from aiohttp import web
from aiohttp.http import HttpProcessingError

log = logging.getLogger(__name__)

EVERY_S = 60.0
MAX_REMEMBERED = 1000


class Refusals:
    """Counts refusals per address and kind, so that nobody can fill the log. Used on one event loop only."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, str], tuple[float, int]] = {}

    def note(self, address: str, what: str) -> None:
        """Count a refusal; log it unless the same was logged within the last minute."""
        key, now = (address, what), time.monotonic()
        said_at, more = self._seen.get(key, (float("-inf"), 0))
        if now - said_at < EVERY_S:
            self._seen[key] = (said_at, more + 1)
            return
        if key not in self._seen and len(self._seen) >= MAX_REMEMBERED:
            self._forget_old(now)
            if len(self._seen) >= MAX_REMEMBERED:
                return
        log.warning("refused: address=%s what=%s times=%d", address, what, more + 1)
        self._seen[key] = (now, 0)

    def _forget_old(self, now: float) -> None:
        self._seen = {key: seen for key, seen in self._seen.items() if now - seen[0] < EVERY_S}


class MalformedRequests(logging.Filter):
    """Log filter: counts a request that is not HTTP as a refusal, instead of aiohttp's traceback."""

    def __init__(self, refusals: Refusals) -> None:
        super().__init__()
        self._refusals = refusals

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if not isinstance(error, HttpProcessingError):
            return True
        address = record.args[0] if isinstance(record.args, tuple) and record.args else "?"
        self._refusals.note(str(address), "400 no HTTP")
        return False


def http_logger(refusals: Refusals) -> logging.Logger:
    """A logger for aiohttp, one per server."""
    logger = logging.Logger("edge.serve.http")
    logger.parent = log
    logger.addFilter(MalformedRequests(refusals))
    return logger


REFUSALS = web.AppKey("refusals", Refusals)
