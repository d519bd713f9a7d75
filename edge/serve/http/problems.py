"""Errors as RFC 9457 problem+json, or as a page for a browser: one table and one middleware for all routes."""

from __future__ import annotations

import http
import json
import logging
from collections.abc import Callable, Mapping
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from edge import disclosure, errors
from edge.serve.http.refusals import REFUSALS
from edge.serve.http.route import name_of

log = logging.getLogger(__name__)


class RequestError(errors.EdgeError):
    """A parameter, a form field or a header is wrong; nothing was done."""

    http_status = 400

    def __init__(self, message: str, *, status: int = 400) -> None:
        super().__init__(message)
        self.http_status = status


TITLES: Mapping[type[errors.EdgeError], tuple[str, str]] = {
    errors.CursorExpiredError: ("cursor-expired", "The cursor is too old, or from before a restore"),
    errors.CursorError: ("cursor", "The cursor was not issued here"),
    errors.ImageError: ("image", "The picture can't be used"),
    errors.NotFoundError: ("not-found", "Not found, or no longer stored"),
    errors.ConflictError: ("conflict", "Conflict with what is stored"),
    errors.StoreError: ("store", "The data directory can't be read or written"),
    errors.CameraError: ("camera", "The camera can't be reached"),
    errors.ServiceError: ("service", "A service can't be reached"),
}
"""URN and title by error class, subclasses first; other errors are titled by their HTTP status."""


ProblemPage = Callable[[web.Request, dict[str, Any]], web.Response]
"""Shows a browser a problem: the page of it, or the way to the login."""


def problems(page_of: ProblemPage) -> Middleware:
    """Middleware that answers every error of a handler: problem+json for programs, `page_of` for browsers."""

    @web.middleware
    async def answer_problems(request: web.Request, handler: Handler) -> web.StreamResponse:
        """Answer every error of a handler with a problem: as JSON for programs, as a page for browsers."""
        try:
            return await handler(request)
        except errors.EdgeError as error:
            if error.http_status >= 500:
                log.error("request failed: route=%s error=%s", _route(request), error)
            return _answer(request, page_of, *_describe(error))
        except web.HTTPException as error:
            if error.status < 400:
                raise
            headers = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else {}
            return _answer(request, page_of, _problem(error.status, None, _detail_of(error)), headers)
        except TimeoutError:
            return _answer(
                request, page_of, _problem(408, None, "the request's body did not arrive in time: send it at once"), {}
            )
        except ConnectionError:
            raise
        except Exception:
            log.exception("request failed: route=%s", _route(request))
            return _answer(
                request, page_of, _problem(500, None, "this is a fault of this box; the details are in its log"), {}
            )

    return answer_problems


def _describe(error: errors.EdgeError) -> tuple[dict[str, Any], dict[str, str]]:
    named = next((named for kind, named in TITLES.items() if isinstance(error, kind)), None)
    body = _problem(error.http_status, named, str(error))
    headers: dict[str, str] = {}
    if isinstance(error, errors.CursorExpiredError):
        body |= {"oldest": error.oldest, "lost": error.lost, "span": list(error.span)}
        body["lost_is_least"] = error.is_least
    if isinstance(error, errors.AuthError) and error.http_status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="edge"'
    if error.http_status in (429, 503) and error.retry_after_s is not None:
        headers["Retry-After"] = str(error.retry_after_s)
    return body, headers


def _problem(status: int, named: tuple[str, str] | None, detail: str) -> dict[str, Any]:
    kind, title = (
        (f"urn:edge:problem:{named[0]}", named[1]) if named else ("about:blank", http.HTTPStatus(status).phrase)
    )
    return {"type": kind, "title": title, "status": status, "detail": disclosure.hide(detail)}


def _detail_of(error: web.HTTPException) -> str:
    match error.status:
        case 404:
            return "there is nothing at this address: check it, or start from /"
        case 405:
            return f"this address does not answer {error.method}" if isinstance(error, web.HTTPMethodNotAllowed) else ""
        case 413:
            return "the request's body is too large"
        case _:
            return error.reason


def _answer(
    request: web.Request, page_of: ProblemPage, body: dict[str, Any], headers: dict[str, str]
) -> web.StreamResponse:
    status = body["status"]
    if status < 500 and not (status == 401 and is_page(request)):
        request.app[REFUSALS].note(request.remote or "?", f"{status} {_route(request)}")
    if not is_page(request):
        text = json.dumps(body | {"instance": request.path})
        return web.Response(status=status, text=text, content_type="application/problem+json", headers=headers)
    response = page_of(request, body)
    if response.status == status:  # not for the redirect to the login
        response.headers.update(headers)
    return response


def is_page(request: web.Request) -> bool:
    """Whether to answer with HTML: the address is a page's, and the client accepts text/html."""
    data = request.path.startswith(("/api/", "/live/", "/now/", "/events", "/metrics", "/livez"))
    return not data and "text/html" in request.headers.get("Accept", "")


def _route(request: web.Request) -> str:
    return name_of(request) or request.method


def no_hit(request: web.Request) -> errors.NotFoundError:
    """The error for a hit that the address names and the store doesn't have."""
    return errors.NotFoundError(
        f"hit {request.match_info['hit_id'][:64]} is not stored: it never existed, was erased, or is too old"
    )
