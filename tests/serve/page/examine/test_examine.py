"""Examining files: the real worker on real videos and pictures, what is refused, and what is left behind."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Sequence
from pathlib import Path

import pytest

from edge.app.examine.queue import MAX_WAITING, ExamineQueue
from edge.config import Config
from edge.serve.page.wording import words
from tests.support.drawings import draw_face, png, png_that_says
from tests.support.serve.examining import bench
from tests.support.serve.german import english_in
from tests.support.serve.whole_box import JOBS, whole_box
from tests.support.web import live_view, run


def enrol_portrait(data_dir: Path, portrait: Path) -> None:
    from edge.app.build import load_models
    from edge.app.people.people import enrol
    from edge.records import Person
    from edge.store import Store

    config = Config(data_dir=data_dir)
    with Store.open(data_dir) as store:
        enrol(store, load_models(config), Person("demo-1", "Demo person", "demo"), [portrait])


def test_a_video_is_examined_in_a_worker_and_what_was_found_is_shown(
    tmp_path: Path, demo_clip: Path, portrait: Path
) -> None:
    clip = demo_clip.read_bytes()

    async def check() -> None:
        async with bench(tmp_path) as made:
            await asyncio.to_thread(enrol_portrait, tmp_path / "data", portrait)
            answer, _ = await made.hand_over("../../etc/gate.avi", clip)
            assert answer.status == 303
            address = answer.headers["Location"]
            page = await made.finished(address)
            for said in (
                ">gate.avi</h1>",
                "Done",
                "Demo person",
                "Possible match",
                "Frames: 300,",
                "All frames are",
                "In view 0:0",
            ):
                assert said in page
            assert "etc/" not in page
            job_id = address.rsplit("/", 1)[1]
            hit = json.loads((made.examiner.inbox.parent / job_id / "out" / "hits.jsonl").read_text("utf-8"))
            assert hit["person"]["id"] == "demo-1"
            headers = made.box.session("supervisor")
            answer, face = await made.box.get(f"{address}/files/{hit['hit_id']}_found.png", headers)
            assert (answer.status, face[:4]) == (200, b"\x89PNG")
            assert page.count('class="face"') >= 2, "the frame with the box on it, and the drawing of each face"
            answer, frame = await made.box.get(f"{address}/files/{hit['hit_id']}_frame.jpg", headers)
            assert (answer.status, frame[:2]) == (200, b"\xff\xd8")
            faces = [json.loads(line) for line in made.read(job_id, "tracks.jsonl")]
            assert all(face["seen"]["last_s"] >= face["seen"]["first_s"] >= 0 for face in faces)
            answer, report = await made.box.get(f"{address}/files/report.html", headers)
            assert answer.headers["Content-Disposition"].startswith("attachment")
            assert b"Demo person" in report
            rest = headers | {"Range": "bytes=7-", "If-Range": '"the report in another language"'}
            answer, again = await made.box.get(f"{address}/files/report.html", rest)
            assert (answer.status, again) == (200, report), "half of one report would be put to half of another"
            for face in faces:
                at = f"frame {face['seen']['frame']}, at {words.clip_time(face['seen']['at_s'])}<"
                assert at in page
                assert at in report.decode()
            assert f"Frame {hit['frame_id']}. " in page, "of the possible match"
            assert f" s, frame {hit['frame_id']}<" in report.decode()
            assert b'<html lang="en">' in report
            german = headers | {"Accept-Language": "de"}
            answer, report = await made.box.get(f"{address}/files/report.html", german)
            assert answer.headers["Vary"] == "Accept-Language"
            assert english_in(report.decode()) == []
            for name in ("job.json", "hits.jsonl", "..%2fjob.json", "%2e%2e%2f%2e%2e%2fedge.db", "x.png"):
                assert (await made.box.get(f"{address}/files/{name}", headers))[0].status == 404
            assert not [name for name in made.left() if "file" in Path(name).name], "the file itself stayed"

            await made.examiner.remove_unlisted({"demo-1", "p1", "p2"})
            assert made.examiner.job(job_id) is not None
            again = ExamineQueue(Config(data_dir=tmp_path / "data"))
            assert [(job.job_id, job.state, job.frames) for job in again.jobs()] == [(job_id, "done", 300)]
            await again.remove_unlisted({"p1", "p2"})
            assert [job.job_id for job in again.jobs()] == [job_id], "the examination is somebody's work"
            assert again.hits(job_id) == []
            kept = [path for path in made.left() if not path.endswith(("job.json", "hits.jsonl", "tracks.jsonl"))]
            assert kept == [], "pictures or a report of an erased person stayed"
            assert not any(b"demo-1" in (made.examiner.inbox.parent / path).read_bytes() for path in made.left())
            answer, _ = await made.box.post(f"{address}/remove", {}, headers)
            assert answer.headers["Location"] == "/examine"
            assert (await made.box.get(address, headers))[0].status == 404

    run(check())


def test_one_picture_is_enough_and_the_page_says_so(tmp_path: Path, portrait: Path) -> None:
    picture = portrait.read_bytes()

    async def check() -> None:
        async with bench(tmp_path) as made:
            await asyncio.to_thread(enrol_portrait, tmp_path / "data", portrait)
            answer, _ = await made.hand_over("snapshot.png", picture)
            page = await made.finished(answer.headers["Location"])
            assert "0:00" not in page, "a picture has no time"
            assert "frame 0" not in page.lower(), "nor a frame of its own"
            assert '<th scope="row">Face 1</th>' in page
            for said in ("Demo person", "Possible match", "Judged on one picture alone"):
                assert said in page

    run(check())


def test_the_worker_goes_last_and_ends_with_its_service(tmp_path: Path, demo_clip: Path) -> None:
    clip = demo_clip.read_bytes()

    async def check() -> None:
        async with bench(tmp_path) as made:
            answer, _ = await made.hand_over("a.avi", clip)
            pid = await made.worker_pid()
            for _ in range(200):
                if os.sched_getscheduler(pid) == os.SCHED_BATCH:
                    break
                await asyncio.sleep(0.05)
            assert os.sched_getscheduler(pid) == os.SCHED_BATCH, "not idle, which may starve for ever"
            assert os.getpriority(os.PRIO_PROCESS, pid) == 12
            os.kill(pid, signal.SIGKILL)
            page = await made.finished(answer.headers["Location"])
            assert "the worker was killed" in page
            await made.hand_over("b.avi", clip)
            last = await made.worker_pid(other_than=pid)
        with pytest.raises(ProcessLookupError):
            os.kill(last, 0)

    run(check())


@pytest.mark.parametrize(
    ("name", "data", "status"),
    [
        ("page.html", b"<!doctype html><script>alert(1)</script>", 415),
        ("list.m3u8", b"#EXTM3U\n#EXTINF:1\nfile:///etc/passwd\n", 415),
        ("concat.mp4", b"ffconcat version 1.0\nfile /etc/passwd\n", 415),
        ("archive.zip", b"PK\x03\x04" + b"\0" * 100, 415),
        ("empty.png", b"", 415),
        ("", b"\x89PNG\r\n\x1a\n", 422),
        ("large.png", b"\x89PNG\r\n\x1a\n" + b"\0" * 1_100_000, 413),
    ],
)
def test_files_that_are_refused_leave_nothing(tmp_path: Path, name: str, data: bytes, status: int) -> None:
    async def check() -> None:
        async with bench(tmp_path, max_upload_bytes=1_000_000) as made:
            answer, body = await made.hand_over(name, data)
            assert answer.status == status, body
            assert made.left() == []
            assert made.examiner.jobs() == []

    run(check())


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (png_that_says(60_000, 60_000), "would take the work of 3600000000 pixels"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 50, "the file"),
        (b"GIF89a" + b"\xff" * 2000, "the file"),
        (b"RIFF\0\0\0\0AVI LIST" + b"\0" * 3000, "the file"),
        (b"\0\0\0\x18ftypmp42" + b"\0" * 3000, "the file"),
    ],
)
def test_bombs_and_torn_files_fail_with_a_reason(tmp_path: Path, data: bytes, words: str) -> None:
    async def check() -> None:
        async with bench(tmp_path) as made:
            answer, _ = await made.hand_over("x.bin", data)
            page = await made.finished(answer.headers["Location"])
            assert "Failed" in page
            assert words in page
            assert str(tmp_path) not in page

    run(check())


def test_a_snapshot_is_examined_only_if_it_is_of_now(tmp_path: Path) -> None:
    async def check() -> None:
        async with bench(tmp_path) as made:
            headers = made.box.session("guard")
            made.box.live.publish(live_view(1, age_s=30))
            answer, body = await made.box.post("/examine/snapshot", {"camera": "door"}, headers)
            assert (answer.status, b"gives no picture now" in body) == (409, True)
            answer, _ = await made.box.post("/examine/snapshot", {"camera": "../x"}, headers)
            assert answer.status == 409
            made.box.live.publish(live_view(2))
            answer, _ = await made.box.post("/examine/snapshot", {"camera": "door"}, headers)
            assert "Frames: 1," in await made.finished(answer.headers["Location"])

    run(check())


def test_only_so_many_may_wait_and_all_go_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def check() -> None:
        async with bench(tmp_path) as made:
            picture = png(draw_face(1, 300))
            done: Sequence[int] = [(await made.hand_over("a.png", picture))[0].status for _ in range(MAX_WAITING + 3)]
            assert done[:MAX_WAITING] == [303] * MAX_WAITING
            assert 409 in done[MAX_WAITING:]
            for job in made.examiner.jobs():
                await made.examiner.remove(job.job_id)
            assert made.left() == []

    run(check())


def test_a_face_between_two_people_is_said_with_the_lead_that_it_lacks(tmp_path: Path) -> None:
    async def check() -> None:
        async with whole_box(tmp_path) as made:
            _, body = await made.box.get(f"/examine/{JOBS.index('done'):016x}", made.box.session())
            page = body.decode()
            assert "a face is nearly as like one person on the list as another" in page
            assert "Usable, between two people: a lead of 0.01, 0.06 needed" in page

    run(check())
