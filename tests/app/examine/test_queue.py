"""What an examination leaves on the disk: read again after a restart, whatever a name or a power cut did to it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from pathlib import Path

import pytest

from edge.app.examine.queue import ExamineQueue
from edge.config import Config

JOB = "0123456789abcdef"


def hit(person_id: str, name: str) -> str:
    return json.dumps({"person": {"id": person_id, "name": name}, "runner_up_id": None}, ensure_ascii=False)


def left_by(folder: Path, hits: str) -> tuple[ExamineQueue, Path]:
    """An examiner that finds one job of before a restart, with these results."""
    job = folder / "examine" / JOB
    (job / "out").mkdir(parents=True)
    (job / "out" / "hits.jsonl").write_text(hits, "utf-8")
    kept = {"job_id": JOB, "name": "a.avi", "by": "ann", "at": "2026-03-04T05:06:07.000Z", "state": "done", "log": []}
    (job / "job.json").write_text(json.dumps(kept), "utf-8")
    return ExamineQueue(Config(data_dir=folder)), job


def test_a_name_with_a_line_end_of_unicode_is_one_hit(tmp_path: Path) -> None:
    examiner, job = left_by(tmp_path, hit("p1", "Ann\u2028Other") + "\n" + hit("p2", "Bob\x85Next") + "\n")
    assert [one["person"]["id"] for one in examiner.hits(JOB)] == ["p1", "p2"]
    asyncio.run(examiner.remove_unlisted({"p1", "p2"}))
    assert job.is_dir()
    asyncio.run(examiner.remove_unlisted({"p1"}))
    assert not job.exists()


def test_torn_results_are_not_taken_up(tmp_path: Path) -> None:
    examiner, job = left_by(tmp_path, f"{hit('p1', 'Ann')}\n{hit('p2', 'Bob')[:20]}")
    assert examiner.jobs() == []
    assert not job.exists()


def test_what_a_worker_that_was_killed_wrote_goes(tmp_path: Path) -> None:
    examiner, job = left_by(tmp_path, f"{hit('p1', 'Ann')}\n")
    (one,) = examiner.jobs()
    (job / "out" / "hits.jsonl").write_text(hit("p2", "Bob")[:20], "utf-8")
    one.state = "failed"
    examiner._finish(one, None)
    assert examiner.hits(JOB) == ()
    asyncio.run(examiner.remove_unlisted({"p1"}))
    assert examiner.job(JOB) is one, "that it failed is still told"


@pytest.mark.parametrize("said", ["no JSON", "x" * 100_000])
def test_a_worker_that_babbles_ends_its_examination_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str
) -> None:
    (tmp_path / "said").write_text(f"{said}\n", "utf-8")
    worker = tmp_path / "worker"
    worker.write_text(f"#!/bin/sh\nread order\ncat {tmp_path}/said\n", "utf-8")
    worker.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(worker))
    (tmp_path / "a.avi").write_bytes(b"RIFF")

    async def examine() -> str | None:
        examiner = ExamineQueue(Config(data_dir=tmp_path / "data"))
        job = await examiner.submit("a.avi", tmp_path / "a.avi", "ann")
        await asyncio.wait_for(examiner._examine(job), 30)
        assert job.state == "failed"
        return job.problem

    assert "no progress" in str(asyncio.run(examine()))


def test_files_handed_in_go_at_stop_and_at_start(tmp_path: Path) -> None:
    config = Config(data_dir=tmp_path / "data")

    async def stop_while_waiting() -> ExamineQueue:
        examiner = ExamineQueue(config)
        for name in ("a.avi", "b.avi"):
            (tmp_path / name).write_bytes(b"a video of strangers")
            await examiner.submit(name, tmp_path / name, "ann")
        (examiner.inbox / "part").write_bytes(b"half received")
        running = asyncio.ensure_future(examiner.run())
        await asyncio.sleep(0.05)
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
        return examiner

    def uploads() -> list[Path]:
        return [path for path in (tmp_path / "data").rglob("*") if path.is_file() and path.name != "job.json"]

    examiner = asyncio.run(stop_while_waiting())
    assert uploads() == [], "an orderly stop leaves no file under examination"
    job = tmp_path / "data" / "examine" / JOB
    job.mkdir()
    (job / "file.avi").write_bytes(b"left by a kill")
    (job / "job.json").write_text("{}", "utf-8")
    (examiner.inbox / "part").write_bytes(b"left by a kill")
    ExamineQueue(config)
    assert uploads() == [], "nor does a start"
