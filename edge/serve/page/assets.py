"""Style sheets and scripts: read once at start, addressed by content hash, served from memory."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from edge.serve.http import inputs

FOLDER = Path(__file__).parent / "static"
TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


@dataclass(frozen=True, slots=True)
class Asset:
    """One file of `static/`."""

    body: bytes
    content_type: str
    digest: str


class Assets:
    """All files of `static/`, by name."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self._files: dict[str, Asset] = {}
        for path in sorted(folder.iterdir()):
            if path.suffix in TYPES:
                body = path.read_bytes()
                self._files[path.name] = Asset(body, TYPES[path.suffix], hashlib.sha256(body).hexdigest()[:16])

    def address(self, name: str) -> str:
        """Address of a file, with its hash as `?v=`: new content has a new address, so browsers may cache it."""
        return f"/static/{name}?v={self._files[name].digest}"

    def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer with one file: cacheable for a year if the address has the current hash, else revalidated by ETag."""
        asset = self._files.get(request.match_info["name"])
        if asset is None:
            raise web.HTTPNotFound
        headers = {"Cache-Control": "no-cache", "ETag": f'"{asset.digest}"'}
        if request.query.get("v") == asset.digest:
            headers["Cache-Control"] = "public, max-age=31536000, immutable"
        if inputs.has_seen(request, headers["ETag"]):
            return web.Response(status=304, headers=headers)
        return web.Response(body=asset.body, content_type=asset.content_type, charset="utf-8", headers=headers)


ASSETS = web.AppKey("assets", Assets)


async def serve(request: web.Request) -> web.StreamResponse:
    """Answer with one style sheet or script."""
    return request.app[ASSETS].answer(request)
