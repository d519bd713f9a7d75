"""Results of examinations on disk: what was found, whom it names, and removing it when somebody is erased."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from edge.store.audit.spellings import file_mentions, spellings

JOB_ID = re.compile(r"[0-9a-f]{16}", re.ASCII)
JOB_FILE = "job.json"
"""Written when an examination has ended."""


def folder_of(data_dir: Path) -> Path:
    """Where a device keeps its examinations."""
    return data_dir / "examine"


def forget_in(data_dir: Path) -> Callable[[str], int]:
    """Delete examinations that name a person; for a process that runs no queue."""
    folder = folder_of(data_dir)
    return lambda person_id: len(remove_naming(folder, person_id))


def read_hits(job: Path) -> Sequence[Mapping[str, Any]]:
    """Return the lines of a job's `hits.jsonl`; ValueError if the file is damaged."""
    path = job / "out" / "hits.jsonl"
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


def remove_naming(folder: Path, person_id: str) -> list[str]:
    """Delete the jobs that name a person and all unfinished jobs, which may yet name them; return their ids.

    What is being received is deleted, too: nobody can tell whom it shows.
    """
    for path in folder.glob("inbox/*"):
        path.unlink(missing_ok=True)
    jobs = [job for job in (folder.iterdir() if folder.is_dir() else ()) if JOB_ID.fullmatch(job.name)]
    gone = [job for job in jobs if _may_name(job, person_id)]
    for job in gone:
        shutil.rmtree(job, ignore_errors=True)
    return [job.name for job in gone]


def _may_name(job: Path, person_id: str) -> bool:
    if not (job / JOB_FILE).is_file():
        return True
    needles = spellings(person_id)
    if any(path.is_file() and file_mentions(path, needles) for path in job.rglob("*")):
        return True  # as in the name of the file that was handed in
    try:
        return person_id in named_in(read_hits(job))
    except (OSError, ValueError, TypeError, KeyError):
        return True  # the file is unreadable, so it may name anybody
