"""Stored pictures by SHA-256."""

from __future__ import annotations

import re

from aiohttp import web

from edge.serve.http import inputs
from edge.serve.http.pictures import serve_picture
from edge.serve.http.problems import RequestError


async def image(request: web.Request) -> web.StreamResponse:
    """Answer with the file of that SHA-256, or the range of it that was asked for."""
    inputs.check_names(request, ())
    sha256 = request.match_info["sha256"]
    if not re.fullmatch("[0-9a-f]{64}", sha256):
        raise RequestError("a picture is named by its SHA-256: 64 lower case hexadecimal digits")
    return await serve_picture(request, sha256)
