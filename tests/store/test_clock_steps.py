"""A wrong clock destroys nothing, and never keeps anything for ever."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.store import RetentionReport, Store, Watching
from tests.support.store import ANN, NOW, Clock, enrol, hit_of, kept_files

DAYS = 30


class Box:
    """A store that is opened again after each reboot; whether a time server answers is for the test to say."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = Clock()
        self.is_synced: bool | None = True
        self.number = 0
        self.store = self._open()
        enrol(self.store, ANN)
        self.store.add_token("central", ["alerts:read"]).result(10)

    def _open(self) -> Store:
        clocks = {"clock": self.clock, "boot_clock": self.clock.boot}
        return Store.open(self.folder, **clocks, is_clock_synced=lambda: self.is_synced)

    def reboot(self, **off: float) -> None:
        self.store.close()
        self.clock.reboot(**off)
        self.store = self._open()

    def hits(self, count: int) -> None:
        for _ in range(count):
            self.number += 1
            self.store.add_hit(*hit_of(ANN, self.number, at=self.clock.now)).result(10)

    def live(self, days: int) -> None:
        """A service that runs beats every hour."""
        for _ in range(24 * days):
            self.clock.forward(hours=1)
            self.store.add_item("heartbeat", {}).result(10)

    def retain(self) -> RetentionReport:
        limits = {"max_age_days": DAYS, "max_image_bytes": 10**12, "min_free_bytes": 0}
        return self.store.enforce_retention(**limits, now=self.clock.now).result(10)


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    made = Box(tmp_path)
    yield made
    made.store.close()


def nothing_went(report: RetentionReport) -> bool:
    return report.hits_removed == report.feed_items_removed == report.images_removed == 0


@pytest.mark.parametrize("is_synced", [True, False, None])
def test_a_clock_set_ahead_for_one_look_takes_nothing(box: Box, is_synced: bool | None) -> None:
    box.is_synced = is_synced
    box.hits(5)
    box.reboot(minutes=1)
    box.hits(5)
    files = kept_files(box.folder)
    box.clock.now += dt.timedelta(days=400)
    assert nothing_went(box.retain())
    box.store.close()
    box.store = box._open()
    box.store.coverage.begin().result(10)
    assert nothing_went(box.retain()), "nor after a restart of the service"
    box.clock.now -= dt.timedelta(days=400)
    assert nothing_went(box.retain())
    assert (box.store.count_hits(), kept_files(box.folder)) == (10, files)


def test_without_a_battery_what_was_seen_in_1970_is_as_young_as_it_is(box: Box) -> None:
    box.hits(3)
    box.is_synced = False
    box.reboot(minutes=1)
    right = box.clock.now
    box.clock.now = dt.datetime(1970, 1, 1, 0, 10, tzinfo=dt.UTC)
    box.hits(5)
    box.clock.now, box.is_synced = right + dt.timedelta(seconds=1), True
    box.hits(2)
    assert nothing_went(box.retain())
    box.live(days=2)
    assert nothing_went(box.retain())
    box.live(days=DAYS)
    assert box.retain().hits_removed == 10, "and goes when its days are over"


def test_a_whole_boot_in_1970_is_as_young_as_the_next(box: Box) -> None:
    box.hits(3)
    box.is_synced = False
    box.reboot(minutes=1)
    box.clock.now = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
    box.hits(5)
    box.is_synced = True
    box.reboot()
    box.clock.now = NOW + dt.timedelta(days=40)
    box.hits(1)
    assert nothing_went(box.retain()), "nobody knows how long the box was off"
    box.live(days=DAYS + 1)
    assert box.retain().hits_removed == 9


def test_a_whole_boot_a_year_ahead_keeps_nothing_for_ever(box: Box) -> None:
    box.is_synced = False
    box.reboot()
    box.clock.now = NOW + dt.timedelta(days=365)
    box.hits(5)
    box.is_synced = True
    box.reboot()
    box.clock.now = NOW + dt.timedelta(hours=1)
    box.hits(2)
    assert nothing_went(box.retain())
    box.live(days=DAYS + 1)
    report = box.retain()
    assert report.hits_removed == 7
    assert report.unpulled_alerts_removed == 7


def test_off_for_forty_days_and_the_clock_is_set_late(box: Box) -> None:
    box.hits(2)
    box.is_synced = False
    box.reboot()  # the saved clock goes on where it stopped
    box.hits(5)
    box.clock.now, box.is_synced = box.clock.now + dt.timedelta(days=40), True
    box.hits(1)
    assert nothing_went(box.retain()), "within a day of a step nothing goes by age"
    box.live(days=1)
    box.clock.forward(hours=1)
    assert box.retain().hits_removed == 2, "what is surely older than its days goes then"
    assert box.store.count_hits() == 6


def test_an_untrusted_clock_counts_only_the_time_the_box_has_run(box: Box) -> None:
    box.is_synced = False
    box.reboot()
    box.hits(1)
    for _ in range(4):
        box.live(days=9)
        box.reboot(days=100)
    box.hits(1)
    assert nothing_went(box.retain()), "perhaps somebody has set the clock"
    box.live(days=1)
    box.clock.forward(hours=1)
    assert box.retain().hits_removed == 1


@pytest.mark.parametrize("is_synced", [True, None])
@pytest.mark.parametrize("days", [400, 30_000])
def test_a_start_with_a_clock_far_ahead_takes_nothing_for_a_day_however_often_it_starts(
    box: Box, is_synced: bool | None, days: int
) -> None:
    box.hits(5)
    box.is_synced = is_synced
    right = box.clock.now
    box.reboot(days=days)
    assert nothing_went(box.retain())
    for _ in range(3):
        box.clock.forward(hours=5)
        box.store.add_item("heartbeat", {}).result(10)
        box.reboot(minutes=1)
        assert nothing_went(box.retain()), "a second start makes no clock right"
    box.store.close()
    box.clock.now = right + dt.timedelta(days=1)
    box.store = box._open()
    box.reboot(minutes=1)
    box.live(days=3)
    assert nothing_went(box.retain())


def test_several_boots_in_1970_where_nobody_can_tell_of_a_time_server(box: Box) -> None:
    box.is_synced = None
    box.hits(3)
    right = box.clock.now
    for _ in range(4):
        box.reboot(minutes=1)
        box.clock.now = dt.datetime(1970, 1, 1, 0, 0, 20, tzinfo=dt.UTC)
        box.hits(3)
        box.clock.forward(hours=6)
        assert nothing_went(box.retain())
    box.clock.now = right + dt.timedelta(days=2)
    box.hits(1)
    box.live(days=3)
    assert nothing_went(box.retain())
    box.live(days=DAYS)
    assert box.retain().hits_removed == 16


def test_pictures_are_shed_in_the_order_they_came_whatever_their_dates(box: Box) -> None:
    box.clock.now = NOW + dt.timedelta(days=400)
    box.hits(1)
    box.clock.now = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
    box.hits(1)
    first, second = (hit_of(ANN, number)[0].images.frame for number in (1, 2))
    limits = {"max_age_days": DAYS, "max_image_bytes": 1700, "min_free_bytes": 0}
    box.store.enforce_retention(**limits, now=box.clock.now).result(10)
    assert box.store.image_path(first) is None
    assert box.store.image_path(second) is not None


def test_spans_of_coverage_outlive_a_wrong_clock_too(box: Box) -> None:
    def spans() -> int:
        return box.store._core.read(lambda db: db.execute("SELECT count(*) FROM spans").fetchone()[0])

    box.store.coverage.begin().result(10)
    box.store.coverage.note([Watching("door", "watched")]).result(10)
    box.reboot(minutes=1)
    box.store.coverage.begin().result(10)
    box.clock.now += dt.timedelta(days=500)
    box.store.coverage.note([Watching("door", "watched")]).result(10)
    box.store.coverage.begin().result(10)
    assert spans() == 2
