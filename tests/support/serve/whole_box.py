"""A box with everything on its pages: hits of all kinds, examinations, a walk, faults. For who looks at every page."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import datetime as dt
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from edge.app.commission.findings import DistanceResult, sentence
from edge.app.health.drift import NOT_YET
from edge.config import ExamineConfig, ReviewConfig, SiteConfig, StatusConfig
from edge.enhance.budget import Budget
from edge.enhance.enhancer import Enhancer
from edge.records import CameraHealth, CameraState, Hit, Quality
from edge.serve.board import Condition
from edge.serve.ports import CommissionView, Examination, StationView
from edge.store.codec import hit_to_json
from edge.store.coverage.pause import Pause
from tests.support.drawings import pictures
from tests.support.serve.recorded_day import record_a_day
from tests.support.web import Switch, WebSide, live_view, make_hit, person, running

LOOK = Quality(0.5, 0.2, 0.045, 8.0, 19.0, 40.0, {"sharpness": 0.8, "luma": 0.4, "pose": 0.9, "size": 0.6}, 0.05)
GATES = (
    ("similarity", 0.62, 0.48),
    ("margin", 0.31, 0.06),
    ("detector_score", 0.81, 0.5),
    ("face_px", 61.0, 16.0),
    ("quality", 54.0, 20.0),
    ("shots", 5.0, 3.0),
)
FACES = {"day": {"too_small": 40, "blur": 9, "pose": 12, "no_match": 812, "match": 3}, "hour": {"too_small": 3}}
UNVOUCHED = "no pack vouches for this file"
JOBS = ("queued", "running", "done", "failed")


def _row(light: str, metres: int, is_recognised: bool) -> DistanceResult:
    return DistanceResult(light, f"{metres} m", metres, 9, 1.0, 30.0, 0.6, 0.4, 0.7, 0.7, is_recognised, "")


class Walk:
    """Stands in for the acceptance walk: shows `state`."""

    def __init__(self) -> None:
        self.state = CommissionView()

    def view(self) -> CommissionView:
        return self.state

    def begin_at(self, state: str) -> None:
        """Show a walk that is measuring, ready for the next station, or done."""
        known = (("day", 2, True), ("day", 4, True), ("day", 6, False), ("night", 2, True), ("night", 4, False))
        rows = [_row(*one) for one in known]
        stations = [StationView(light, metres, 41, 60 / metres, 0.7, 0.4, 0.66, ok) for light, metres, ok in known]
        self.state = CommissionView(
            state=state,
            camera="door",
            person_id="p1",
            light="night",
            metres=4.0,
            seconds_left=12.4,
            stations=tuple(stations),
            sentence=sentence(rows),
            false_alerts="fewer than 1 in 50,000 faces at this setting, list of 2",
            limit=0.48,
            proposed_limit=0.5137,
            proposed_one_in=10_000,
        )

    def sheet(self) -> bytes | None:
        return b"<p>signed" if self.state.state == "done" else None


class Examinations:
    """Stands in for the queue of examinations: one of each state, `JOBS`."""

    settings = ExamineConfig()

    def __init__(self, folder: Path) -> None:
        self.inbox = folder
        self.found = [hit_to_json(hit) for hit in (full_hit(1), full_hit(2, enhanced=False))]
        for number, hit in enumerate(self.found, start=1):
            kept = pictures(number)
            for name, role in (("found", "crop"), ("enhanced", "enhanced"), ("enrolled", "reference")):
                (folder / f"{hit['hit_id']}_{name}.png").write_bytes(kept[role])
            (folder / f"{hit['hit_id']}_frame.jpg").write_bytes(kept["frame"])
        now = dt.datetime.now(dt.UTC)
        self._jobs = [self._job(number, state, now) for number, state in enumerate(JOBS)]

    @staticmethod
    def _job(number: int, state: str, now: dt.datetime) -> Examination:
        log = [(0.1, "opening"), (0.9, "first_frame"), (4.2, "the file: broke off after 120 of about 300 frames")]
        summary = {"frames": 300, "detections": 181, "tracks": 6} if state == "done" else None
        problem = "the file: is a sound file, so there is no face to find; give a video or a picture"
        return Examination(
            f"{number:016x}",
            f"Eingang Nord {number}.avi",
            "a-guard",
            now - dt.timedelta(minutes=number),
            state,
            frames=0 if state == "queued" else 120,
            problem=problem if state == "failed" else None,
            summary=summary,
            log=log if state in ("done", "running") else log[:1],
            total=300,
            first_s=0.9,
            told_s=4.0,
        )

    def jobs(self) -> Sequence[Examination]:
        return self._jobs

    def job(self, job_id: str) -> Examination | None:
        return next((one for one in self._jobs if one.job_id == job_id), None)

    def hits(self, job_id: str) -> Sequence[Mapping[str, Any]]:
        return self.found

    def faces(self, job_id: str) -> Sequence[Mapping[str, Any]]:
        def face(number: int, reason: str | None, measured: float | None, needed: float | None) -> dict[str, Any]:
            box = [60.0 + 70 * number, 80.0, 100.0 + 70 * number, 130.0]
            face_px = 12.0 if reason == "too_small" else 40.0
            box[2] = box[0] + face_px
            seen = {"first_s": 1.0, "last_s": 4.5, "frame": 30, "at_s": 2.0, "score": 0.71} | {"face_px": face_px}
            told = {"frame_size": [640, 360], "seen": seen | {"box": box}, "measured": measured, "needed": needed}
            return told | {"reason": reason, "person_id": None if reason else "p1"}

        return [
            face(0, None, None, None),
            face(1, "too_small", 12.0, 16.0),
            face(2, "no_match", 0.21, None),
            face(3, "blur", 11.0, 20.0),
            face(4, "low_score", 1, 3),
            face(5, "below_margin", 0.01, 0.06),
        ]

    def quiet_s(self, job_id: str) -> float:
        return 9.0 if job_id == f"{1:016x}" else 0.0

    def file(self, job_id: str, name: str) -> Path | None:
        return path if (path := self.inbox / name).is_file() else None

    def report(self, job_id: str, language: str) -> Path | None:
        return self.inbox / language


def full_hit(number: int, *, enhanced: bool = True, status: str = "Hausverbot") -> Hit:
    """A hit with all that live ones have: gates, reasons of skipped steps, doubts, a person's reason and owner."""
    hit, _ = make_hit(number, person(2 - number % 2), enhanced=enhanced)
    budget = Budget(1.0)
    plans = [Enhancer("auto").plan(LOOK), Enhancer("off").plan(LOOK)]
    skipped = [{"name": step.name, "reason": step.reason} for plan in plans for step in plan.skipped]
    skipped += [{"name": name, "reason": why} for name, why in budget.trim(["lime"], 4_000_000).items()]
    who = dataclasses.replace(hit.person, status=status, reason="Diebstahl im Mai", owner="Frau Weber")
    decision: dict[str, Any] = {
        "gates": [{"gate": name, "value": value, "limit": limit} for name, value, limit in GATES]
    }
    decision |= {"kind": "color", "limits": "calibration", "timing": "regular", "one_in": 60_000}
    return dataclasses.replace(
        hit,
        person=who,
        decision=decision,
        recipe={**hit.recipe, "skipped": skipped},
        expected_false_alerts="fewer than 1 in 50,000 faces at this setting, list of 2",
        clock={**hit.clock, "synced": number != 2},
    )


async def add_full_hit(box: WebSide, number: int, *, enhanced: bool = True, ago_min: float = 2.0) -> str:
    """Store a hit of so many minutes ago; 0: in view now."""
    hit = full_hit(number, enhanced=enhanced)
    end = dt.datetime.now(dt.UTC) - dt.timedelta(minutes=ago_min)
    visit = dataclasses.replace(hit.visit, first_at=end - dt.timedelta(seconds=16), last_at=end, best_at=end)
    await asyncio.wrap_future(
        box.store.add_hit(
            dataclasses.replace(hit, hit_id=f"01950000-0000-7000-8000-{number:012d}", visit=visit),
            make_hit(number, person(2 - number % 2), enhanced=enhanced)[1],
        )
    )
    return f"01950000-0000-7000-8000-{number:012d}"


@dataclasses.dataclass
class WholeBox:
    """The box, and what its state is set with."""

    box: WebSide
    switch: Switch
    walk: Walk
    told: dict[str, Any]
    hits: tuple[str, ...] = ()

    def go_wrong(self) -> None:
        """Recognition paused, a camera lost, another covered, hits that can't be stored, conditions."""
        now = dt.datetime.now(dt.UTC)
        self.switch.pause_now = Pause("Anna", "Arbeiten an der Pforte", now, now + dt.timedelta(minutes=14))
        since = now - dt.timedelta(minutes=31)
        why = "rtsp://gate/: no such host; check the address. It is tried again every few seconds"
        covered = "something covers the lens, hardly anything is seen; check the camera"
        self.box.live.publish_health(
            [
                CameraHealth("door", CameraState.LOST, since, why, 1234, 7),
                CameraHealth("yard", CameraState.COVERED, since, covered, 1234, 0),
            ]
        )
        self.told["store_problem"] = "/data/edge.db: the disk is full; free some space, or lower max_image_bytes"
        self.box.live.publish_conditions(
            Condition(subject, state, since, detail)
            for subject, state, detail in (
                ("disk", "full", "9 MB are free, 200 MB are asked for"),
                ("load", "behind", "4.2 frames/s are processed, 3.8 are dropped"),
                ("heat", "throttled", "84 degrees Celsius; the board says: too little voltage, throttled"),
                ("drift", "changed", "door: faces are 31 % darker than in the first week: is a lamp out?"),
                ("consumers", "silent", "no central server has pulled for more than 15 minutes: none has ever pulled"),
                ("clock", "stepped", "the clock was set 3600 s back"),
            )
        )


@contextlib.asynccontextmanager
async def whole_box(folder: Path) -> AsyncIterator[WholeBox]:
    """A box of four people's shift: hits seen, confirmed, rejected, disputed and new; nothing wrong yet."""
    switch, walk = Switch(), Walk()
    told: dict[str, Any] = {
        "frames": 81_234,
        "faces": {"door": FACES},
        "comparisons": {"door": NOT_YET.format(3)},
        "enhancement": "shown to help recognition: lime for dark from level 2",
        "models": {"embed": {"name": "faces", "precision": "int8", "provider": "CPU", "choice": UNVOUCHED}},
    }
    statuses = {"Hausverbot": StatusConfig(words="Schichtleitung rufen", severity="urgent")}
    async with running(
        folder,
        num_hits=0,
        told=told,
        recognition=switch,
        walk=walk,
        statuses=statuses,
        site=SiteConfig(time_zone="Europe/Berlin"),
        review=ReviewConfig(second_person_for=("Hausverbot",)),
        examiner=lambda store: Examinations(folder),
    ) as box:
        made = WholeBox(box, switch, walk, told)
        for camera in ("door", "yard"):
            box.live.publish(live_view(1, camera))
        box.live.publish_health(
            CameraHealth(name, CameraState.LIVE, dt.datetime.now(dt.UTC), "frames arrive", 81_234, 0)
            for name in ("door", "yard")
        )
        await _fill(made)
        yield made


async def _fill(made: WholeBox) -> None:
    box, store = made.box, made.box.store
    await asyncio.wrap_future(store.coverage.begin())
    await record_a_day(store)
    times = ((1, True, 171.0), (2, False, 44.0), (4, True, 23.0), (5, False, 0.0))
    made.hits = tuple([await add_full_hit(box, number, enhanced=on, ago_min=ago) for number, on, ago in times])
    for hit_id, role, verdict in (
        (made.hits[0], "guard", "confirmed:checked"),
        (made.hits[0], "supervisor", "rejected:other_person"),
        (made.hits[1], "guard", "rejected:poor_picture"),
    ):
        answer, _ = await box.post(f"/hits/{hit_id}/review", {"verdict": verdict}, box.session(role))
        assert answer.status == 303
    box.token(name="zentrale")
    await asyncio.to_thread(store.note_pull, "zentrale", 2)
    await box.post("/login", {"user": "a-guard", "password": "falsch"})


PAGES: Mapping[str, str] = {
    "now": "/",
    "hits": "/hits",
    "hits-filtered": "/hits?state=confirmed&last=hour&since=2025-03-01T20:00",
    "people": "/people",
    "person-new": "/people/new",
    "person-edit": "/people/p1/edit",
    "examine": "/examine",
    "examination-waits": f"/examine/{0:016x}",
    "examination-runs": f"/examine/{1:016x}",
    "examination-done": f"/examine/{2:016x}",
    "examination-failed": f"/examine/{3:016x}",
    "box": "/box",
    "commission": "/commission",
    "missing-hit": "/hits/01950000-0000-7000-8000-000000009999",
    "missing-page": "/nope",
}
"""Every page of `whole_box`, beside those of single hits; by the name of its picture."""
