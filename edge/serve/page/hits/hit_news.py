"""What has come since the page of a hit was opened: a better picture, a verdict. Asking is no look at a person."""

from __future__ import annotations

import hashlib
import json

from aiohttp import web

from edge.records import Hit
from edge.serve.app_keys import STORE, read
from edge.serve.http import inputs
from edge.serve.http.problems import no_hit
from edge.serve.page.renderer import render

_DIGITS = 16


def pictures_of(hit: Hit) -> str:
    """Names the pictures that the page of the hit shows; another text once better ones are stored."""
    return "-".join(name[:_DIGITS] for name in (hit.images.crop, hit.images.enhanced) if name)


def verdict_of(hit: Hit) -> str:
    """Names what all verdicts come to, and tells nothing of them; another text once somebody gives or undoes one."""
    return hashlib.sha256(json.dumps(hit.review, sort_keys=True).encode()).hexdigest()[:_DIGITS]


async def show(request: web.Request) -> web.StreamResponse:
    """What is newer than the `pictures` and the `verdict` that the page has, and when the person was in view.

    The page's script asks every few seconds. The answer has neither pictures nor the person, so it is not audited.
    """
    inputs.check_names(request, ("pictures", "verdict"))
    hit = await read(request.app[STORE].hit, request.match_info["hit_id"])
    if hit is None:
        raise no_hit(request)
    values = {
        "hit": hit,
        "has_pictures": request.query.get("pictures") != pictures_of(hit),
        "has_verdict": request.query.get("verdict") != verdict_of(hit),
    }
    return render(request, "parts/hit_news.html", values)
