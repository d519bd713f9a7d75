"""A 304 that the connection may replay for an identical request, without running the handlers."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from aiohttp import HttpVersion11, web
from aiohttp.abc import AbstractStreamWriter

from edge.serve.http.connection import Visitor, visitor_of


class Unchanged(web.Response):
    """304 with a cheap check, `holds`, made before each replay: still the answer, and caller still allowed?"""

    def __init__(self, headers: Mapping[str, str], holds: Callable[[], bool] | None) -> None:
        super().__init__(status=304, headers=headers)
        self._holds = holds
        self._visitor: Visitor | None = None

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        writer = await super().prepare(request)
        is_plain = request.method == "GET" and request.version == HttpVersion11 and not request.body_exists
        if is_plain and self.keep_alive:
            self._visitor = visitor_of(request)
        return writer

    async def write_eof(self, data: bytes = b"") -> None:
        await super().write_eof(data)
        if self._visitor is not None and self._holds is not None:
            self._visitor.remember(self._as_sent(), self._holds)

    def _as_sent(self) -> bytes:
        lines = [f"HTTP/1.1 {self.status} {self.reason}", *(f"{name}: {value}" for name, value in self.headers.items())]
        return "\r\n".join([*lines, "", ""]).encode()
