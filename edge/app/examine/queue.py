"""The queue of files to examine: one worker process at a time, with its progress and results.

Each job has a folder under `data_dir/examine`. The uploaded file is deleted as soon as it was examined; results are
deleted after `keep_hours`. When a person is erased, what shows that person goes at once. The worker is in `worker`.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import datetime as dt
import json
import logging
import re
import secrets
import shutil
import sys
import time
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from edge.app.examine import results
from edge.config import Config, ExamineConfig
from edge.errors import ConflictError, StoreError
from edge.serve.ports import UNFINISHED, Examination
from edge.store import time_to_text
from edge.store.audit.spellings import mentions

log = logging.getLogger(__name__)

MAX_WAITING = 5
MAX_LOG = 200
SWEEP_EVERY_S = 60.0
_NAMES = re.compile(r"[0-9a-f-]{36}_(?:(found|enhanced|enrolled)\.png|frame\.jpg)", re.ASCII)


class ExamineQueue:
    """`edge.serve.ports.Examiner`; lives on the service's event loop. `run` is one of its loops."""

    def __init__(self, config: Config) -> None:
        runtime = config.runtime.model_copy(update={"threads": 1})
        self._config = config.model_copy(update={"runtime": runtime})
        self._folder = results.folder_of(config.data_dir)
        self._jobs: dict[str, Examination] = {}
        self._job_added = asyncio.Event()
        self._worker: asyncio.subprocess.Process | None = None
        self._at_work, self._heard_at = "", 0.0
        self._is_list_old = False
        _make_folder(self._folder)
        _make_folder(self.inbox)
        self._load_finished()

    @property
    def settings(self) -> ExamineConfig:
        """The `[examine]` table of the configuration."""
        return self._config.examine

    def take_over(self, examine: ExamineConfig) -> None:
        """Put other settings in force, from the next file on."""
        self._config = self._config.model_copy(update={"examine": examine})

    @property
    def inbox(self) -> Path:
        """Where uploads are written."""
        return self._folder / "inbox"

    async def submit(self, name: str, path: Path, by: str) -> Examination:
        """Queue a file."""
        waiting = sum(job.state in UNFINISHED for job in self.jobs())
        if waiting >= MAX_WAITING:
            await asyncio.to_thread(path.unlink, missing_ok=True)
            raise ConflictError(f"{waiting} files are waiting already; try again when one of them is done")
        job = Examination(secrets.token_hex(8), name[-120:], by, dt.datetime.now(dt.UTC))
        try:
            await asyncio.to_thread(_move_upload, path, self._folder / job.job_id)
        except FileNotFoundError:
            raise ConflictError("the file was removed when somebody was erased; hand it in again") from None
        self._jobs[job.job_id] = job
        self._job_added.set()
        return job

    def jobs(self) -> Sequence[Examination]:
        """Newest first."""
        # `sorted` copies before it compares: `forget_person` may take jobs out on another thread.
        return sorted(self._jobs.values(), key=lambda job: job.at, reverse=True)

    def job(self, job_id: str) -> Examination | None:
        """One of them."""
        return self._jobs.get(job_id)

    def hits(self, job_id: str) -> Sequence[Mapping[str, Any]]:
        """Lines of `hits.jsonl`."""
        return results.read_hits(self._folder / job_id) if job_id in self._jobs else ()

    def faces(self, job_id: str) -> Sequence[Mapping[str, Any]]:
        """Lines of `tracks.jsonl`."""
        return results.read_lines(self._folder / job_id, "tracks.jsonl") if job_id in self._jobs else ()

    def quiet_s(self, job_id: str) -> float:
        """Seconds since the worker last said anything; 0 for a job that is not at work."""
        return time.monotonic() - self._heard_at if job_id == self._at_work else 0.0

    def file(self, job_id: str, name: str) -> Path | None:
        """Return a picture of the results; refuses names that this program does not give."""
        if job_id not in self._jobs or not _NAMES.fullmatch(name):
            return None
        path = self._folder / job_id / "out" / "crops" / name
        return path if path.is_file() else None

    def report(self, job_id: str, language: str) -> Path | None:
        """The report in that language."""
        return results.report_of(self._folder / job_id, language) if job_id in self._jobs else None

    async def remove(self, job_id: str) -> None:
        """Stop and delete."""
        job = self._jobs.pop(job_id, None)
        if job is None:
            return
        if job.state == "running" and self._worker is not None:
            job.state = "stopped"
            with contextlib.suppress(ProcessLookupError):
                self._worker.kill()
            await self._worker.wait()
        await asyncio.to_thread(shutil.rmtree, self._folder / job_id, ignore_errors=True)

    def forget_person(self, person_id: str) -> int:
        """Take a person out of all results; return of how many examinations. May be called on any thread.

        A worker at work is started anew by `remove_unlisted`, once the service sees that the watchlist has changed.
        """
        for job in self.jobs():  # what waits has its name in memory, until it is done
            if job.state in UNFINISHED and mentions(job.name, (person_id,)):
                job.name = results.ERASED_NAME
        touched = results.erase(self._folder, person_id)
        for job_id in touched:
            self._read_again(job_id)
        return len(touched)

    async def remove_unlisted(self, listed: Collection[str]) -> None:
        """Take everybody not `listed` out of the results, and start the worker anew, which may yet name them."""
        for job in self.jobs():
            if job.state in UNFINISHED:
                continue
            try:
                named = results.named_in(await asyncio.to_thread(self.hits, job.job_id))
            except (OSError, ValueError) as error:  # nobody knows any more whom it names
                log.warning("examination %s can't be read (%s), and was removed", job.job_id, error)
                await self.remove(job.job_id)
                continue
            for person_id in sorted(named - set(listed)):
                await asyncio.to_thread(self.forget_person, person_id)
            if not await asyncio.to_thread((self._folder / job.job_id).is_dir):
                self._jobs.pop(job.job_id, None)
        if self._worker is not None and self._worker.returncode is None:
            self._is_list_old = True
            with contextlib.suppress(ProcessLookupError):
                self._worker.kill()

    def _read_again(self, job_id: str) -> None:
        """After an erasure: forget a job that is gone, and take over what its file says now."""
        job = self._jobs.get(job_id)
        if job is None or job.state in UNFINISHED:
            return
        try:
            former = results.read_job(self._folder / job_id)
            job.name, job.log = former.name, former.log
        except (OSError, ValueError):
            self._jobs.pop(job_id, None)

    async def run(self) -> None:
        """Examine what is queued; runs as long as the service does."""
        try:
            while True:
                self._job_added.clear()
                await self._delete_expired()
                waiting = [job for job in reversed(self.jobs()) if job.state == "queued"]
                if waiting:
                    await self._examine(waiting[0])
                    continue
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(SWEEP_EVERY_S):
                        await self._job_added.wait()
        finally:
            await self._end_worker()
            self._remove_unfinished()

    def _remove_unfinished(self) -> None:
        """Leave no file that was handed in, and no half of a result, on the disk of a service that has stopped."""
        results.remove_uploads(self._folder)
        for job in self.jobs():
            if job.state in UNFINISHED or not (self._folder / job.job_id / results.JOB_FILE).is_file():
                shutil.rmtree(self._folder / job.job_id, ignore_errors=True)

    async def _examine(self, job: Examination) -> None:
        folder = self._folder / job.job_id
        job.state, started, self._is_list_old = "running", time.monotonic(), False
        self._at_work, self._heard_at = job.job_id, started
        source = next(folder.glob("file*"), None)
        order = {"config": self._config.model_dump(mode="json"), "source": str(source), "out": str(folder / "out")}
        try:
            self._worker = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "edge.app.examine.worker"),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
            )
            assert self._worker.stdin is not None
            assert self._worker.stdout is not None
            self._worker.stdin.write(json.dumps(order).encode() + b"\n")
            async for line in self._worker.stdout:
                self._heard_at = time.monotonic()
                _apply_progress(job, json.loads(line), self._heard_at - started)
            code = await self._worker.wait()
            if job.summary is None and job.problem is None:
                job.problem = results.why_ended(code, self.settings.max_seconds)
        except OSError as error:
            job.problem = f"the worker could not be started ({error.strerror})"
        except ValueError:  # a library that writes to stdout fails the examination, not the service
            job.summary, job.problem = (
                None,
                "the worker's output was no progress report; try again, and report it if it happens again",
            )
        finally:
            self._at_work = ""
            await self._end_worker()
        if self._is_list_old and job.state == "running":  # with the list as it was; again with that of now
            await asyncio.to_thread(shutil.rmtree, folder / "out", ignore_errors=True)
            job.state, job.frames, job.problem, job.summary, job.first_s = "queued", 0, None, None, None
            return
        ended = "stopped" if job.state == "stopped" else "failed" if job.summary is None else "done"
        await asyncio.to_thread(self._finish, dataclasses.replace(job, state=ended), source)
        # Set the final state last: whoever sees it finds the upload deleted and the results complete.
        job.state = ended
        log.info("a file was examined: %s after %.1f s", job.state, time.monotonic() - started)

    def _finish(self, job: Examination, source: Path | None) -> None:
        """Delete the upload and write job.json; delete the half-written results of a worker that was killed."""
        if source is not None:
            source.unlink(missing_ok=True)
        folder = self._folder / job.job_id
        if job.state != "done":
            shutil.rmtree(folder / "out", ignore_errors=True)
        if job.job_id in self._jobs and folder.is_dir():
            line = dataclasses.asdict(job) | {"at": time_to_text(job.at)}
            with contextlib.suppress(OSError):
                (folder / results.JOB_FILE).write_text(json.dumps(line), "utf-8")

    async def _end_worker(self) -> None:
        worker, self._worker = self._worker, None
        if worker is not None and worker.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                worker.kill()
            await worker.wait()

    async def _delete_expired(self) -> None:
        oldest = dt.datetime.now(dt.UTC) - dt.timedelta(hours=self.settings.keep_hours)
        for job in self.jobs():
            if job.at < oldest and job.state not in UNFINISHED:
                await self.remove(job.job_id)

    def _load_finished(self) -> None:
        """After a restart load the finished jobs and delete everything unfinished."""
        results.remove_uploads(self._folder)
        for folder in [one for one in self._folder.iterdir() if results.JOB_ID.fullmatch(one.name)]:
            try:
                self._jobs[folder.name] = results.read_job(folder)
                self.hits(folder.name)  # raises if a power cut damaged the file; no reader must meet it later
            except (OSError, ValueError):
                self._jobs.pop(folder.name, None)
                shutil.rmtree(folder, ignore_errors=True)


def _apply_progress(job: Examination, told: Mapping[str, Any], seconds: float) -> None:
    """Apply one line of the worker's output."""
    job.frames = int(told.get("frames", job.frames))
    job.told_s = seconds
    job.total = told.get("total", job.total)
    if told.get("log") == "first_frame":
        job.first_s = seconds
    if "log" in told and len(job.log) < MAX_LOG:
        job.log.append((round(seconds, 1), str(told["log"])))
    if "done" in told:
        job.summary = told["done"]
    if "error" in told:
        job.problem = str(told["error"])


def _move_upload(path: Path, folder: Path) -> None:
    _make_folder(folder)
    path.replace(folder / f"file{path.suffix}")


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"{folder}: can't be made ({error.strerror}); check data_dir and its free space") from None
