"""The page Examine: submit a picture, a video or a camera's newest frame, follow its progress, get the results."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from edge.errors import ConflictError, NotFoundError
from edge.serve.app_keys import LIVE, STORE, read, written
from edge.serve.board import age_ms
from edge.serve.http import inputs
from edge.serve.http.access import CALLER
from edge.serve.http.inputs import read_form
from edge.serve.http.pictures import ASKED_EACH_TIME, serve_file
from edge.serve.http.problems import RequestError
from edge.serve.http.quotas import UPLOADS
from edge.serve.http.uploads import save_bytes, save_upload
from edge.serve.page.renderer import render, translator_of
from edge.serve.ports import UNFINISHED, Examination, Examiner, require_examiner

MAX_SNAPSHOT_AGE_MS = 2000.0
REPORT = "report.html"
MAX_FACES = 200
"""Faces listed on the page of one examination; the report has them all."""
QUIET_S = 5.0
"""Seconds without a word of the worker after which the page says that the cameras come first."""


async def listing(request: web.Request) -> web.StreamResponse:
    """Show the upload form and the latest examinations."""
    inputs.check_names(request, ())
    return _list(request, None)


async def submit(request: web.Request) -> web.StreamResponse:
    """Store the uploaded file, queue it, and redirect to its page."""
    examiner = require_examiner(request.app)
    with request.app[UPLOADS].held_by(request[CALLER].owner):
        try:
            name, path = await save_upload(request, examiner.inbox, examiner.settings.max_upload_bytes)
        except RequestError as error:
            if error.http_status == 422:
                return _list(request, translator_of(request)("examine.one_file"), 422)
            raise
    return await _examine(request, examiner, name, path)


async def snapshot(request: web.Request) -> web.StreamResponse:
    """Queue a camera's newest frame; 409 if that is older than two seconds."""
    examiner = require_examiner(request.app)
    camera = (await read_form(request)).get("camera", "")
    view = request.app[LIVE].newest(camera)
    if view is None or age_ms(view) > MAX_SNAPSHOT_AGE_MS:
        return _list(request, translator_of(request)("examine.not_live", camera=camera[:40]), 409)
    name = f"{view.camera} {view.captured_at:%Y-%m-%d %H:%M:%S}.jpg"
    jpeg = await read(view.make_jpeg)
    return await _examine(request, examiner, name, await save_bytes(jpeg, examiner.inbox, ".jpg"))


async def _examine(request: web.Request, examiner: Examiner, name: str, path: Any) -> web.StreamResponse:
    by = request[CALLER].name or ""
    try:
        job = await examiner.submit(name, path, by)
    except ConflictError:
        waiting = sum(job.state in UNFINISHED for job in examiner.jobs())
        return _list(request, translator_of(request)("examine.too_many", count=waiting), 409)
    await written(request.app[STORE].audit(by, "examine.start", job.job_id, {"file": name}))
    raise web.HTTPSeeOther(f"/examine/{job.job_id}")


async def show(request: web.Request) -> web.StreamResponse:
    """One examination: progress, log, results."""
    inputs.check_names(request, ())
    return render(request, "examination.html", await _values(request))


async def progress(request: web.Request) -> web.StreamResponse:
    """The changing part of the page alone; its script reloads it."""
    inputs.check_names(request, ())
    return render(request, "parts/examination.html", await _values(request))


async def file(request: web.Request) -> web.StreamResponse:
    """Answer with a face crop, or with the report in the caller's language as a download."""
    inputs.check_names(request, ())
    name = request.match_info["name"]
    examiner, job = require_examiner(request.app), _require(request)
    is_report = name == REPORT
    path = (
        examiner.report(job.job_id, translator_of(request).language) if is_report else examiner.file(job.job_id, name)
    )
    if path is None:
        raise NotFoundError("this examination has no such file: it was removed, or found nothing")
    if not is_report:
        kind = "image/png" if name.endswith(".png") else "image/jpeg"
        return await serve_file(request, path, {"Content-Type": kind, "Cache-Control": ASKED_EACH_TIME})
    by = request[CALLER].name or ""
    await written(request.app[STORE].audit(by, "examine.export", request.match_info["job_id"]))
    # A download, never a page: the report has inline styles, which our Content-Security-Policy forbids.
    saved = f'attachment; filename="report-{request.match_info["job_id"]}.html"'
    headers = {"Content-Type": "text/html; charset=utf-8", "Content-Disposition": saved, "Vary": "Accept-Language"}
    return await serve_file(request, path, headers)


async def remove(request: web.Request) -> web.StreamResponse:
    """Stop the examination if it is running, and delete its results."""
    await read_form(request)
    job = _require(request)
    await require_examiner(request.app).remove(job.job_id)
    await written(request.app[STORE].audit(request[CALLER].name or "", "examine.remove", job.job_id))
    raise web.HTTPSeeOther("/examine")


def _list(request: web.Request, error: str | None, status: int = 200) -> web.Response:
    examiner = require_examiner(request.app)
    values = {"jobs": examiner.jobs(), "error": error, "settings": examiner.settings}
    return render(request, "examine.html", values, status=status)


def _require(request: web.Request) -> Examination:
    job = require_examiner(request.app).job(request.match_info["job_id"])
    if job is None:
        raise NotFoundError("this examination is not kept: it never existed, was removed, or is too old")
    return job


async def _values(request: web.Request) -> dict[str, Any]:
    job = _require(request)
    examiner, is_done = require_examiner(request.app), job.state == "done"
    faces = await read(examiner.faces, job.job_id) if is_done else ()
    before = [one for one in examiner.jobs() if one.state in UNFINISHED and one.at < job.at]
    return {
        "job": job,
        "hits": await read(examiner.hits, job.job_id) if is_done else (),
        "faces": faces[:MAX_FACES],
        "num_faces": len(faces),
        "is_working": job.state in UNFINISHED,
        "before": before if job.state == "queued" else (),
        "is_starved": examiner.quiet_s(job.job_id) > QUIET_S,
        "has_report": examiner.report(job.job_id, translator_of(request).language) is not None,
    }
