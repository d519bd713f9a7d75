"""Results of examinations on disk: what was found, whom it names, and removing it when somebody is erased."""

from __future__ import annotations

import json
import re
import shutil
import signal
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from edge import durable, state_file
from edge.serve.ports import Examination
from edge.store.audit.spellings import file_mentions, spellings

JOB_ID = re.compile(r"[0-9a-f]{16}", re.ASCII)
_ENDED = frozenset({"done", "failed", "stopped"})
JOB_FILE = "job.json"
"""Written when an examination has ended."""
FORMER_REPORT = "report.html"
"""Of releases that wrote one report, in English."""
ERASED_NAME = "(erased)"
"""In the place of a file's name that named an erased person."""


def folder_of(data_dir: Path) -> Path:
    """Where a device keeps its examinations."""
    return data_dir / "examine"


def report_name(language: str) -> str:
    """Name of the report's file in one language: whoever asks for it reads it in their own."""
    return f"report-{language}.html"


def report_of(job: Path, language: str) -> Path | None:
    """A job's report in that language; the only one, of a release before that wrote one."""
    paths = [job / "out" / name for name in (report_name(language), FORMER_REPORT)]
    return next((path for path in paths if path.is_file()), None)


def forget_in(data_dir: Path) -> Callable[[str], int]:
    """Take a person out of all examinations; for a process that runs no queue."""
    folder = folder_of(data_dir)
    return lambda person_id: len(erase(folder, person_id))


def read_job(job: Path) -> Examination:
    """What a job's `job.json` says; OSError, or ValueError if it is damaged or of no examination that has ended."""
    found = state_file.read(job / JOB_FILE, Examination)
    if found.job_id != job.name or found.at.tzinfo is None or found.state not in _ENDED:
        raise ValueError(job.name)
    return found


def read_hits(job: Path) -> Sequence[Mapping[str, Any]]:
    """Return the lines of a job's `hits.jsonl`; ValueError if the file is damaged, or doesn't say whom a line names."""
    lines = read_lines(job, "hits.jsonl")
    try:
        named_in(lines)
    except (TypeError, KeyError) as error:
        raise ValueError(str(error)) from None
    return lines


def read_lines(job: Path, name: str) -> Sequence[Mapping[str, Any]]:
    """Return the lines of one of a job's result files; ValueError if the file is damaged."""
    path = job / "out" / name
    if not path.is_file():
        return ()
    # Not splitlines(): a name may hold what Unicode calls a line's end.
    return [json.loads(line) for line in path.read_text("utf-8").split("\n") if line]


def named_in(hits: Iterable[Mapping[str, Any]]) -> set[str]:
    """Ids of all people whom hits name, also as the runner-up."""
    return {name for hit in hits for name in (hit["person"]["id"], hit["runner_up_id"]) if name}


def remove_uploads(folder: Path) -> None:
    """Delete the files that were handed in: those being received, and those waiting in a job or at work."""
    for pattern in ("inbox/*", "*/file*"):
        for path in folder.glob(pattern):
            if path.parent.name == "inbox" or JOB_ID.fullmatch(path.parent.name):
                path.unlink(missing_ok=True)


def erase(folder: Path, person_id: str) -> list[str]:
    """Take a person out of every finished examination that names them; return the ids of those jobs.

    What shows the person goes: their hits with all pictures, and the reports, which show everybody. Other people's hits
    stay. A job that can't be read, or still names the person afterwards, goes as a whole. What waits or is at work is
    left to the queue: nothing was found in it yet.
    """
    jobs = [job for job in (folder.iterdir() if folder.is_dir() else ()) if JOB_ID.fullmatch(job.name)]
    touched = [job for job in jobs if (job / JOB_FILE).is_file() and _may_name(job, person_id)]
    for job in touched:
        try:
            _take_out(job, person_id)
            is_clean = not _may_name(job, person_id)
        except (OSError, ValueError, TypeError, KeyError):
            is_clean = False
        if not is_clean:
            shutil.rmtree(job, ignore_errors=True)
    return [job.name for job in touched]


def _take_out(job: Path, person_id: str) -> None:
    """Rewrite a job's results without one person."""
    left = []
    for hit in read_hits(job):
        if hit["person"]["id"] != person_id:
            left.append({**hit, "runner_up_id": None} if hit.get("runner_up_id") == person_id else hit)
            continue
        for path in (job / "out" / "crops").glob(f"{hit['hit_id']}_*"):
            path.unlink()
    tracks = [
        {**track, "person_id": None} if track.get("person_id") == person_id else track
        for track in read_lines(job, "tracks.jsonl")
    ]
    for name, lines in (("hits.jsonl", left), ("tracks.jsonl", tracks)):
        path = job / "out" / name
        if path.is_file():
            text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
            durable.replace(path, text.encode())
    for path in (job / "out").glob("report*.html"):
        path.unlink()
    about = json.loads((job / JOB_FILE).read_text("utf-8"))
    if file_mentions(job / JOB_FILE, spellings(person_id)):  # the name of the file that was handed in, say
        durable.replace(job / JOB_FILE, json.dumps(about | {"name": ERASED_NAME, "log": []}).encode())


def _may_name(job: Path, person_id: str) -> bool:
    needles = spellings(person_id)
    if any(path.is_file() and file_mentions(path, needles) for path in job.rglob("*")):
        return True  # as in the name of the file that was handed in
    try:
        return person_id in named_in(read_hits(job))
    except (OSError, ValueError, TypeError, KeyError):
        return True  # the file is unreadable, so it may name anybody


def why_ended(code: int, max_seconds: float) -> str:
    """What a worker that ended without a word died of."""
    if code == -signal.SIGXCPU:
        return (
            f"the file takes longer than the {max_seconds:.0f} CPU seconds that max_seconds allows; cut it, or make it "
            "smaller"
        )
    if code == -signal.SIGKILL:
        return "the worker was killed: too little memory is left for this file; make it smaller, or cut it"
    return f"the worker ended with {code}: the file is damaged, or takes more memory than it may; make it smaller"
