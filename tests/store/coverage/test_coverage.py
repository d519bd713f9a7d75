"""Coverage adds up: across states, restarts, crashes, reboots and clocks that are set."""

from __future__ import annotations

import dataclasses
import datetime as dt
import itertools
import sqlite3
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.store import Span, Store, Watching, clocks
from edge.store.coverage import hours, window
from edge.store.coverage.coverage import Moment, TooManySpansError
from edge.store.coverage.timeline import account
from edge.store.database.jobs import Change
from tests.support.store import NOW, Clock

S = 1_000_000_000


class World:
    """A box with clocks of its own; `store` is a service's while it runs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = Clock()
        self.boot, self.boot_ns = 1, 100 * S
        self.store: Store | None = None
        self.state = ("watched", "", None)

    def moment(self) -> Moment:
        return Moment(f"boot-{self.boot}", self.boot_ns, self.clock())

    def start(self) -> Store:
        self.store = Store.open(self.folder, clock=self.clock)
        self.store.coverage.moment = self.moment  # type: ignore[method-assign]
        self.store.coverage.begin().result(10)
        return self.store

    def pass_s(self, seconds: float) -> None:
        self.clock.forward(seconds=seconds)
        self.boot_ns += int(seconds * S)

    def note(self, *, is_last: bool = False) -> None:
        assert self.store is not None
        state, reason, by = self.state
        self.store.coverage.note([Watching("door", state, reason, by)], is_last=is_last).result(10)

    def stop(self, *, clean: bool) -> None:
        assert self.store is not None
        if clean:
            self.note(is_last=True)
        self.store.close()
        self.store = None

    def reboot(self, off_s: float) -> None:
        self.clock.forward(seconds=off_s)
        self.boot, self.boot_ns = self.boot + 1, 5 * S

    def report(self, start: dt.datetime, end: dt.datetime) -> tuple[Span, ...]:
        assert self.store is not None
        return self.store.coverage.report(start, end, ["door"])["door"]


def sums(spans: tuple[Span, ...]) -> dict[tuple[str, str], float]:
    found: dict[tuple[str, str], float] = {}
    for span in spans:
        key = (span.state, span.reason)
        found[key] = round(found.get(key, 0.0) + span.seconds, 3)
    return found


def test_a_night_is_accounted_for(tmp_path: Path) -> None:
    box = World(tmp_path)
    began = box.clock()
    box.start()
    for seconds, state in (
        (100, ("watched", "", None)),
        (30, ("blind", "stalled", None)),
        (50, ("watched", "", None)),
        (20, ("paused", "shift change", "gwen")),
        (40, ("watched", "", None)),
    ):
        box.state = state
        for _ in range(seconds // 5):
            box.note()
            box.pass_s(5)
    box.note()
    box.stop(clean=True)
    box.pass_s(17)
    store = box.start()
    box.state = ("watched", "", None)
    box.note()
    box.pass_s(3)
    spans = box.report(began - dt.timedelta(seconds=60), box.clock())
    assert sums(spans) == {
        ("blind", "nothing recorded yet"): 60,
        ("watched", ""): 193,
        ("blind", "stalled"): 30,
        ("paused", "shift change"): 20,
        ("blind", "service not running"): 17,
    }
    assert [span.by for span in spans if span.state == "paused"] == ["gwen"]
    gaps = [item.body for item in store.feed(None, 100).items if item.type == "gap"]
    assert [gap["cause"] for gap in gaps] == ["service stopped"]
    box.stop(clean=True)


@pytest.mark.parametrize(("reboots", "cause"), [(False, "crash"), (True, "power loss")])
def test_an_unclean_end_is_blind_from_its_last_sign_of_life(tmp_path: Path, reboots: bool, cause: str) -> None:
    box = World(tmp_path)
    began = box.clock()
    box.start()
    for _ in range(10):
        box.note()
        box.pass_s(5)
    box.stop(clean=False)
    if reboots:
        box.reboot(off_s=600)
    else:
        box.pass_s(600)
    store = box.start()
    box.note()
    assert sums(box.report(began, box.clock())) == {("watched", ""): 45, ("blind", "service not running"): 605}
    gap = next(item.body for item in store.feed(None, 100).items if item.type == "gap")
    assert gap["cause"] == cause
    assert gap["from"] == "2026-03-04T05:06:52.089Z"
    box.stop(clean=True)


def test_a_clock_that_is_set_moves_the_whole_boot(tmp_path: Path) -> None:
    """A box without a battery starts in 1970; minutes later the time arrives from the network."""
    box = World(tmp_path)
    box.clock.now = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
    box.start()
    for _ in range(60):
        box.note()
        box.pass_s(5)
    box.clock.now = NOW
    box.note()
    box.pass_s(2)
    spans = box.report(NOW - dt.timedelta(seconds=300), box.clock())
    assert sums(spans) == {("watched", ""): 302}
    box.clock.forward(seconds=-3600)
    box.note()
    spans = box.report(box.clock() - dt.timedelta(seconds=302), box.clock())
    assert sums(spans) == {("watched", ""): 302}
    box.stop(clean=True)


def test_a_camera_that_was_added_later_is_not_called_a_stopped_service(tmp_path: Path) -> None:
    box = World(tmp_path)
    store = box.start()
    box.note()
    box.pass_s(50)
    began = box.clock()
    store.coverage.note([Watching("door", "watched"), Watching("yard", "watched")]).result(10)
    box.pass_s(10)
    report = store.coverage.report(began - dt.timedelta(seconds=50), box.clock())
    assert sums(report["yard"]) == {("blind", "camera not set up"): 50, ("watched", ""): 10}
    box.stop(clean=True)


def slow_report(box: World, start: dt.datetime, end: dt.datetime) -> tuple[Span, ...]:
    """The obvious twin of `Coverage.report`: reads every span there is."""
    assert box.store is not None
    moment, run_id = box.moment(), box.store.coverage._run_id

    def everything(db: sqlite3.Connection) -> list[Span]:
        placed = {boot.boot_id: window.Clock(boot.wall, boot.boot_ns) for boot in clocks.boots(db)}
        placed[moment.boot_id] = window.Clock(moment.wall, moment.boot_ns)
        found = []
        query = "SELECT boot_id, run_id, state, reason, by, start_ns, end_ns FROM spans ORDER BY span_id"
        for boot, run, state, reason, by, start_ns, end_ns in db.execute(query):
            found.append(Span(placed[boot].at(start_ns), placed[boot].at(end_ns), state, reason, by))
            is_live = run == run_id and boot == moment.boot_id and moment.boot_ns - end_ns <= 15 * S
        if found and is_live:
            found[-1] = dataclasses.replace(found[-1], end=moment.wall)
        return found

    return account({"door": box.store._core.read(everything)}, start, end)["door"]


def flapping(folder: Path, number: int) -> list[int]:
    """SQLite steps, in hundreds, of a report of the last hour, and the rows it reads, after `number` changes."""
    steps = [0, 0]
    with Store.open(folder, clock=Clock()) as store:
        box = World(folder)
        base = box.boot_ns = number * 10 * S

        def fill(change: Change) -> None:
            change.db.execute(
                "INSERT INTO boots (boot_id, wall_at, boot_ns) VALUES ('boot-1', ?, ?)", (box.clock().isoformat(), base)
            )
            change.db.executemany(
                """INSERT INTO spans (run_id, boot_id, camera, state, reason, by, start_ns, end_ns)
                   VALUES ('x', 'boot-1', 'door', ?, ?, NULL, ?, ?)""",
                [
                    (*(("watched", "") if n % 2 else ("blind", "lost")), n * 10 * S, (n + 1) * 10 * S)
                    for n in range(number)
                ],
            )

        store._core.write(fill).result(10)

        def count() -> int:
            steps[0] += 1
            return 0

        def read(db: sqlite3.Connection) -> None:
            db.set_progress_handler(count, 100)
            clocks = {"boot-1": window.Clock(box.clock(), base)}
            hour = dt.timedelta(hours=1)
            steps[1] = window.read(db, clocks, box.clock() - hour, box.clock(), 10_000).num_rows
            db.set_progress_handler(None, 0)

        store._core.read(read)
        store.coverage.moment = box.moment  # type: ignore[method-assign]
        with pytest.raises(TooManySpansError, match="their sums"):
            store.coverage.report(box.clock() - dt.timedelta(days=5), box.clock(), most=500)
    return steps


def test_a_report_costs_what_its_stretch_holds_whatever_was_recorded_before(tmp_path: Path) -> None:
    few, many = flapping(tmp_path / "few", 1000), flapping(tmp_path / "many", 20_000)
    assert few[1] == many[1] == 360
    assert many[0] <= 1.5 * few[0]


EVENTS = st.one_of(
    *[st.tuples(st.just("pass"), st.floats(0.1, 40))] * 2,
    st.tuples(
        st.just("state"), st.sampled_from([("watched", "", None), ("blind", "lost", None), ("paused", "x", "g")])
    ),
    st.tuples(st.just("step"), st.floats(-5000, 5000)),
    st.tuples(st.just("restart"), st.booleans()),
    st.tuples(st.just("reboot"), st.booleans()),
)


@settings(max_examples=40, deadline=None)
@given(st.lists(EVENTS, min_size=5, max_size=40), st.floats(-500, 500), st.floats(1, 2000))
def test_whatever_happens_it_adds_up(events: list[tuple[str, object]], offset_s: float, length_s: float) -> None:
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as folder:
        patch.setattr(hours, "HOUR_NS", 20 * S)
        box = World(Path(folder))
        box.start()
        for what, value in events:
            match what:
                case "pass":
                    box.note()
                    box.pass_s(float(value))  # type: ignore[arg-type]
                case "state":
                    box.note()
                    box.state = value  # type: ignore[assignment]
                    box.note()
                case "step":
                    box.clock.forward(seconds=float(value))  # type: ignore[arg-type]
                case "restart" | "reboot":
                    box.stop(clean=bool(value))
                    box.pass_s(3.5)
                    if what == "reboot":
                        box.reboot(off_s=20)
                    box.start()
        start = box.clock() - dt.timedelta(seconds=length_s) + dt.timedelta(seconds=offset_s)
        end = start + dt.timedelta(seconds=length_s)
        assert (spans := box.report(start, end)) == tuple(slow_report(box, start, end))
        assert sum(span.seconds for span in spans) == pytest.approx(length_s, abs=1e-3)
        assert (spans[0].start, spans[-1].end) == (start, end)
        assert all(one.end == two.start for one, two in itertools.pairwise(spans))
        assert all(span.seconds > 0 for span in spans)
        kept = box.store.coverage.sums(start, end, ["door"])["door"]  # type: ignore[union-attr]
        assert {key[:2]: s for key, s in kept.items()} == pytest.approx(sums(spans), abs=3e-3)
        box.stop(clean=True)


def at(second: float) -> dt.datetime:
    return NOW + dt.timedelta(seconds=second)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 60), st.integers(0, 30), st.sampled_from("ab")), max_size=8), st.integers(0, 50)
)
def test_the_account_matches_second_by_second_painting(recorded: list[tuple[int, int, str]], start: int) -> None:
    """The slow twin paints seconds; a span ends where a later recorded one begins."""
    spans = [Span(at(s), at(s + length), state) for s, length, state in recorded]
    painted: list[str | None] = [None] * 100
    for s, length, state in recorded:
        painted[s:] = [None] * (100 - s)
        painted[s : s + length] = [state] * length
    found = account({"door": spans}, at(start), at(start + 40))["door"]
    for second in range(start, start + 40):
        state = next(span.state for span in found if span.start <= at(second) < span.end)
        assert state == (painted[second] or "blind")
