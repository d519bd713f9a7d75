"""The page of a service that can't start: what failed, what to do, when it tries again. It needs no database.

Every address answers 503, as a page for browsers and as problem+json for everybody else; nothing can be done here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from aiohttp import web

from edge.serve.http.security_headers import add_headers
from edge.serve.page.wording import language
from edge.serve.page.wording.sayings import shown


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why the service does not run. `kind` names the texts: `storage`, `config`, `models`, `unavailable`, `crash`."""

    kind: str
    reason: str
    """One paragraph, without names, passwords or addresses of cameras."""
    since: str
    retry_s: int


def build_safe_page(trouble: Trouble) -> web.Application:
    """The application that tells of the trouble, whatever is asked."""
    texts = language.load()

    async def answer(request: web.Request) -> web.Response:
        if "text/html" in request.headers.get("Accept", ""):
            t = texts[language.choose(None, request.headers.get("Accept-Language", ""))]
            return web.Response(status=503, text=_page(t, trouble), content_type="text/html", headers=_headers(trouble))
        problem = {
            "type": f"urn:edge:problem:safe-page-{trouble.kind}",
            "title": str(texts[language.DEFAULT](f"safe.{trouble.kind}.what")),
            "status": 503,
            "detail": trouble.reason,
            "since": trouble.since,
        }
        return web.Response(
            status=503, text=json.dumps(problem), content_type="application/problem+json", headers=_headers(trouble)
        )

    app = web.Application(client_max_size=1024)
    app.router.add_route("*", "/{path:.*}", answer)
    app.on_response_prepare.append(add_headers)
    return app


def _headers(trouble: Trouble) -> Mapping[str, str]:
    return {"Retry-After": str(trouble.retry_s), "Connection": "close"}


def _page(t: language.Translate, trouble: Trouble) -> str:
    minutes = max(1, round(trouble.retry_s / 60))
    return f"""<!doctype html>
<html lang="{t.language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="dark light">
<meta http-equiv="refresh" content="30">
<title>{t("safe.title")}</title>
</head>
<body>
<main>
<h1>{t("safe.title")}</h1>
<p>{t("safe.nobody_watches")}</p>
<h2>{t("safe.what")}</h2>
<p>{t(f"safe.{trouble.kind}.what")}</p>
<p>{shown(t.language, trouble.reason)}</p>
<p>{t("safe.since", since=trouble.since)}</p>
<h2>{t("safe.advice")}</h2>
<p>{t(f"safe.{trouble.kind}.advice")}</p>
<p>{t("safe.again", minutes=minutes)}</p>
</main>
</body>
</html>
"""
