"""Updates of the program: what is accepted, what is rolled back, and what a power cut leaves behind."""

from __future__ import annotations

import errno
import json
from pathlib import Path
from typing import Any

import pytest

from edge import durable
from edge.errors import ConflictError, ReleaseError
from edge.ops.release.releases import Releases


class PowerCutError(Exception):
    """The machine is gone in the middle of it."""


class Bench:
    """A machine that notes what it is asked; releases named in `broken` don't pass the gate."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.broken: set[str] = set()
        self.unfit: set[str] = set()
        self.refused: set[tuple[str, ...]] = set()
        self.cut_at: str | None = None
        self.is_up = True

    def stop(self) -> None:
        self._note("stop")

    def start(self) -> None:
        self._note("start")

    def edge(self, version: str, *words: str) -> dict[str, Any]:
        self._note(f"{version}: {' '.join(words)}")
        if words in self.refused:
            raise ReleaseError("the service or another command has it open; stop it first")
        if words == ("release", "check") and version in self.unfit:
            raise ReleaseError("the sealed clip does not give the recorded figures")
        return {"cursor": "c", "seq": 7}

    def gate(self, version: str, mark: dict[str, Any]) -> None:
        assert mark == {"cursor": "c", "seq": 7}
        self._note(f"gate {version}")
        if version in self.broken:
            raise ReleaseError("no frame passed")

    def _note(self, what: str) -> None:
        if what == self.cut_at:
            self.cut_at = None
            raise PowerCutError
        self.done.append(what)


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.fixture
def releases(tmp_path: Path, bench: Bench) -> Releases:
    for version in ("1.0.0", "1.1.0"):
        (tmp_path / "releases" / version).mkdir(parents=True)
        (tmp_path / "releases" / version / "installed.json").write_text("{}", "utf-8")
    (tmp_path / "releases" / "1.2.0").mkdir()
    made = Releases(tmp_path, bench)
    made.use("1.0.0")
    bench.done.clear()
    return made


def outcome(releases: Releases) -> dict[str, Any]:
    return dict(json.loads((releases.root / "outcome.json").read_text("utf-8")))


def test_an_update_is_checked_migrated_linked_and_gated_in_this_order(releases: Releases, bench: Bench) -> None:
    assert "1.1.0 is in use" in releases.use("1.1.0")
    assert bench.done == [
        "1.1.0: release check",
        "stop",
        "1.1.0: release database --migrate",
        "1.1.0: release database",
        "start",
        "gate 1.1.0",
        "1.1.0: release database --keep",
    ]
    assert releases.current() == "1.1.0"
    assert releases.trial() is None
    assert outcome(releases)["accepted"]
    assert [line["current"] for line in releases.list_releases()] == [False, True, False]


def test_an_update_that_does_not_show_that_it_works_is_taken_back(releases: Releases, bench: Bench) -> None:
    bench.broken.add("1.1.0")
    with pytest.raises(ReleaseError, match=r"1\.1\.0 was rolled back, 1\.0\.0 is in use again: no frame passed"):
        releases.use("1.1.0")
    assert bench.done[-3:] == ["stop", "1.0.0: release database --put-back", "start"]
    assert releases.current() == "1.0.0"
    assert releases.trial() is None
    assert outcome(releases) == {"version": "1.1.0", "accepted": False, "why": "no frame passed"}


def test_a_box_whose_update_cannot_be_taken_back_yet_does_not_stay_idle(releases: Releases, bench: Bench) -> None:
    bench.broken.add("1.1.0")
    bench.refused.add(("release", "database", "--put-back"))
    with pytest.raises(ReleaseError, match="stop it first"):
        releases.use("1.1.0")
    assert bench.done[-1] == "start"
    assert releases.trial() is not None
    bench.refused.clear()
    with pytest.raises(ReleaseError, match=r"1\.0\.0 is in use again"):
        releases.settle()


def test_a_full_disk_while_the_link_moves_is_rolled_back(
    releases: Releases, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    point = durable.point

    def full(link: Path, target: Path) -> None:
        if target.name == "1.1.0":
            raise OSError(errno.ENOSPC, "No space left on device")
        point(link, target)

    monkeypatch.setattr(durable, "point", full)
    with pytest.raises(ReleaseError, match=r"1\.0\.0 is in use again: .*No space left"):
        releases.use("1.1.0")
    assert bench.done[-2:] == ["1.0.0: release database --put-back", "start"]
    assert releases.trial() is None


def test_a_release_whose_figures_leave_the_band_is_never_put_in_use(releases: Releases, bench: Bench) -> None:
    bench.unfit.add("1.1.0")
    with pytest.raises(ReleaseError, match="does not give the recorded figures"):
        releases.use("1.1.0")
    assert bench.done == ["1.1.0: release check"]
    assert releases.current() == "1.0.0"


@pytest.mark.parametrize("version", ["1.2.0", "9", "../1.1.0", ""])
def test_half_installed_and_unknown_releases_are_refused(releases: Releases, bench: Bench, version: str) -> None:
    with pytest.raises(ReleaseError, match=r"there are: 1\.0\.0, 1\.1\.0"):
        releases.use(version)
    assert not bench.done


def test_the_release_in_use_is_left_alone(releases: Releases, bench: Bench) -> None:
    assert "already" in releases.use("1.0.0")
    assert not bench.done


@pytest.mark.parametrize("cut_at", ["stop", "1.1.0: release database --migrate"])
def test_a_power_cut_before_the_link_moved_ends_in_the_old_release(
    releases: Releases, bench: Bench, cut_at: str
) -> None:
    bench.cut_at = cut_at
    with pytest.raises(PowerCutError):
        releases.use("1.1.0")
    with pytest.raises(ReleaseError, match="rolled back"):
        Releases(releases.root, bench).settle()
    assert releases.current() == "1.0.0"
    assert "1.0.0: release database --put-back" in bench.done
    assert releases.settle() == "no update is under way"


@pytest.mark.parametrize(("is_broken", "ends_in"), [(False, "1.1.0"), (True, "1.0.0")])
def test_a_power_cut_on_trial_is_settled_at_the_next_start(
    releases: Releases, bench: Bench, is_broken: bool, ends_in: str
) -> None:
    bench.cut_at = "start"
    with pytest.raises(PowerCutError):
        releases.use("1.1.0")
    assert [line["trial"] for line in releases.list_releases()] == [False, True, False]
    if is_broken:
        bench.broken.add("1.1.0")
        with pytest.raises(ReleaseError):
            releases.settle()
    else:
        releases.settle()
    assert releases.current() == ends_in
    assert releases.trial() is None


def test_a_power_cut_while_rolling_back_never_leaves_the_refused_release_in_use(
    releases: Releases, bench: Bench
) -> None:
    """It would start, and bring the database that was put back to its own schema."""
    bench.broken.add("1.1.0")
    bench.cut_at = "1.0.0: release database --put-back"
    with pytest.raises(PowerCutError):
        releases.use("1.1.0")
    assert releases.current() == "1.0.0"
    bench.done.clear()
    with pytest.raises(ReleaseError, match="rolled back"):
        releases.settle()
    assert bench.done == ["stop", "1.0.0: release database --put-back", "start"]
    assert (releases.current(), releases.trial()) == ("1.0.0", None)


def test_the_first_release_stays_and_can_be_settled_once_mended(tmp_path: Path, bench: Bench) -> None:
    (tmp_path / "releases" / "1.0.0").mkdir(parents=True)
    (tmp_path / "releases" / "1.0.0" / "installed.json").write_text("{}", "utf-8")
    releases = Releases(tmp_path, bench)
    bench.broken.add("1.0.0")
    with pytest.raises(ReleaseError, match="first one here"):
        releases.use("1.0.0")
    assert releases.current() == "1.0.0"
    assert releases.trial() is not None
    bench.broken.clear()
    assert "in use" in releases.settle()
    assert releases.trial() is None


def test_where_no_service_runs_the_first_start_is_the_trial(tmp_path: Path, bench: Bench) -> None:
    (tmp_path / "releases" / "1.0.0").mkdir(parents=True)
    (tmp_path / "releases" / "1.0.0" / "installed.json").write_text("{}", "utf-8")
    bench.is_up = False
    releases = Releases(tmp_path, bench)
    assert "when this system starts" in releases.use("1.0.0")
    assert "start" not in bench.done
    assert releases.current() == "1.0.0"
    assert "already" in releases.use("1.0.0")
    bench.is_up = True
    assert "in use" in releases.settle()


def test_an_image_whose_making_broke_off_is_finished_by_the_next_run(tmp_path: Path, bench: Bench) -> None:
    (tmp_path / "releases" / "1.0.0").mkdir(parents=True)
    (tmp_path / "releases" / "1.0.0" / "installed.json").write_text("{}", "utf-8")
    bench.is_up, bench.cut_at = False, "stop"
    releases = Releases(tmp_path, bench)
    with pytest.raises(PowerCutError):
        releases.use("1.0.0")
    assert releases.current() is None
    releases.use("1.0.0")
    assert releases.current() == "1.0.0"
    assert releases.trial() is not None


def test_one_update_at_a_time(releases: Releases, bench: Bench) -> None:
    class Nested(Bench):
        def stop(self) -> None:
            with pytest.raises(ConflictError, match="another update"):
                Releases(releases.root, bench).use("1.1.0")

    Releases(releases.root, Nested()).use("1.1.0")
    assert releases.current() == "1.1.0"
