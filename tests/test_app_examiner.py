"""What an examination leaves on the disk: read again after a restart, whatever a name or a power cut did to it."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from edge.app.examiner import FileExaminer
from edge.config import Config

JOB = "0123456789abcdef"


def hit(person_id: str, name: str) -> str:
    return json.dumps({"person": {"id": person_id, "name": name}, "runner_up_id": None}, ensure_ascii=False)


def left_by(folder: Path, hits: str) -> tuple[FileExaminer, Path]:
    """An examiner that finds one job of before a restart, with these results."""
    job = folder / "examine" / JOB
    (job / "out").mkdir(parents=True)
    (job / "out" / "hits.jsonl").write_text(hits, "utf-8")
    kept = {"job_id": JOB, "name": "a.avi", "by": "ann", "at": "2026-03-04T05:06:07.000Z", "state": "done", "log": []}
    (job / "job.json").write_text(json.dumps(kept), "utf-8")
    return FileExaminer(Config(data_dir=folder)), job


def test_a_name_with_a_line_end_of_unicode_is_one_hit(tmp_path: Path) -> None:
    examiner, job = left_by(tmp_path, hit("p1", "Ann\u2028Other") + "\n" + hit("p2", "Bob\x85Next") + "\n")
    assert [one["person"]["id"] for one in examiner.hits(JOB)] == ["p1", "p2"]
    asyncio.run(examiner.forget_others({"p1", "p2"}))
    assert job.is_dir()
    asyncio.run(examiner.forget_others({"p1"}))
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
    examiner._keep(one, None)
    assert examiner.hits(JOB) == ()
    asyncio.run(examiner.forget_others({"p1"}))
    assert examiner.job(JOB) is one, "that it failed is still told"
