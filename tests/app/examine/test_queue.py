"""What an examination leaves on the disk: read again after a restart, whatever a name or a power cut did to it."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import json
import sys
from pathlib import Path

import pytest

from edge.app.examine.queue import ExamineQueue, _apply_progress
from edge.config import Config
from edge.serve.page.wording.language import LANGUAGES
from edge.serve.ports import Examination

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


def whole_hit(number: int, person_id: str, runner_up_id: str | None = None) -> str:
    about = {"hit_id": f"{number:036x}", "person": {"id": person_id, "name": f"Name of {person_id}"}}
    return json.dumps(about | {"runner_up_id": runner_up_id}) + "\n"


def test_a_report_is_the_one_of_the_language_asked_for(tmp_path: Path) -> None:
    examiner, job = left_by(tmp_path, whole_hit(1, "ann-1"))
    assert examiner.report(JOB, "de") is None
    (job / "out" / "report.html").write_text("of a release before", "utf-8")
    assert examiner.report(JOB, "de") == job / "out" / "report.html"
    for language in LANGUAGES:
        (job / "out" / f"report-{language}.html").write_text(language, "utf-8")
        assert examiner.report(JOB, language) == job / "out" / f"report-{language}.html"
    assert examiner.report("0" * 16, "de") is None
    assert examiner.file(JOB, "report-de.html") is None


def test_an_erasure_takes_out_one_person_and_leaves_the_others(tmp_path: Path) -> None:
    examiner, job = left_by(tmp_path, whole_hit(1, "ann-1") + whole_hit(2, "ben-2", "ann-1"))
    (job / "out" / "crops").mkdir()
    for number in (1, 2):
        (job / "out" / "crops" / f"{number:036x}_found.png").write_bytes(b"png")
    for name in ("report.html", "report-de.html"):
        (job / "out" / name).write_text("Name of ann-1, Name of ben-2", "utf-8")
    tracks = [{"person_id": "ann-1", "reason": None}, {"person_id": None, "reason": "blur"}]
    (job / "out" / "tracks.jsonl").write_text("".join(json.dumps(one) + "\n" for one in tracks), "utf-8")
    assert examiner.forget_person("ann-1") == 1
    (hit_left,) = examiner.hits(JOB)
    assert (hit_left["person"]["id"], hit_left["runner_up_id"]) == ("ben-2", None)
    assert [path.name for path in (job / "out" / "crops").iterdir()] == [f"{2:036x}_found.png"]
    assert not list((job / "out").glob("report*")), "it shows everybody"
    assert [face["person_id"] for face in examiner.faces(JOB)] == [None, None]
    assert not any(b"ann-1" in path.read_bytes() for path in job.rglob("*") if path.is_file())
    assert examiner.job(JOB) is not None
    assert examiner.forget_person("ann-1") == 0


def test_a_file_named_after_an_erased_person_loses_its_name(tmp_path: Path) -> None:
    examiner, job = left_by(tmp_path, whole_hit(2, "ben-2"))
    about = json.loads((job / "job.json").read_text("utf-8"))
    (job / "job.json").write_text(json.dumps(about | {"name": "ann-1.avi"}), "utf-8")
    assert examiner.forget_person("ann-1") == 1
    (one,) = examiner.jobs()
    assert one.name == "(erased)"
    assert len(examiner.hits(JOB)) == 1


def test_a_worker_at_work_begins_anew_with_the_list_of_now(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    worker = tmp_path / "worker"
    said = '{"frames": 7, "log": "first_frame"}'
    worker.write_text(f"#!/bin/sh\nread order\necho '{said}'\nexec sleep 60\n", "utf-8")
    worker.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(worker))
    (tmp_path / "a.avi").write_bytes(b"RIFF")

    async def examine() -> None:
        examiner = ExamineQueue(Config(data_dir=tmp_path / "data"))
        job = await examiner.submit("a.avi", tmp_path / "a.avi", "ann")
        working = asyncio.ensure_future(examiner._examine(job))
        for _ in range(3000):
            if job.frames == 7:
                break
            await asyncio.sleep(0.01)
        await examiner.remove_unlisted({"ben-2"})
        await asyncio.wait_for(working, 30)
        assert (job.state, job.frames, job.problem) == ("queued", 0, None)
        folder = examiner.inbox.parent / job.job_id
        assert list(folder.glob("file*")), "the file is still there to be examined"

    asyncio.run(examine())


def test_progress_tells_how_far_it_is_and_how_long_it_takes() -> None:
    job = Examination("0", "a.avi", "ann", dt.datetime.now(dt.UTC))
    assert (job.percent, job.left_s) == (None, None)
    _apply_progress(job, {"total": 200}, 1.0)
    _apply_progress(job, {"log": "first_frame"}, 2.0)
    _apply_progress(job, {"frames": 50}, 12.0)
    assert (job.percent, job.left_s) == (25, 30.0)
    _apply_progress(job, {"frames": 205}, 45.0)
    assert (job.percent, job.left_s) == (99, 0.0), "the file said too little"


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": 5}, {"at": "2026-03-04T05:06:07"}, {"frames": "x"}, {"log": [[None, 5]]}, {"summary": [1]},
        {"job_id": "../../x"}, {"state": "queued"}, {"state": "x"}, {"told_s": float("nan")},
    ],
    ids=str,
)  # fmt: skip
def test_an_examination_that_was_spoiled_by_hand_is_not_taken_up(tmp_path: Path, wrong: dict[str, object]) -> None:
    _, job = left_by(tmp_path, "")
    whole = json.loads((job / "job.json").read_text())
    (job / "job.json").write_text(json.dumps(whole | wrong))
    assert ExamineQueue(Config(data_dir=tmp_path)).jobs() == []
    assert not job.exists()


@pytest.mark.parametrize("lines", ["5\n", "[]\n", '{"person": 5}\n', '{"person": {"id": [1]}, "runner_up_id": null}\n'])
def test_lines_that_are_no_hits_end_nothing(tmp_path: Path, lines: str) -> None:
    examiner, job = left_by(tmp_path, lines)
    assert (examiner.jobs(), job.exists()) == ([], False)
    examiner, job = left_by(tmp_path, f"{hit('p1', 'Ann')}\n")
    (job / "out" / "hits.jsonl").write_text(lines)
    asyncio.run(examiner.remove_unlisted({"p1"}))
    assert (examiner.jobs(), job.exists()) == ([], False)
