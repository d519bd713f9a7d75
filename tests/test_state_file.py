"""State files that were spoiled by hand: whoever reads them goes on or says so in words, and nothing else happens."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edge import state_file
from edge.app.health.accepted import read_accepted
from edge.app.health.drift import FILE, TODAY, FaceDrift
from edge.app.people.sheets import FOLDER
from edge.app.service.start.failed_starts import FailedStarts
from edge.app.service.start.kept_kernels import are_kept
from edge.errors import EdgeError
from edge.ops.release.releases import Releases
from edge.ops.release.site import SystemdSite
from edge.ops.system.camera_status import read_status
from edge.ops.system.clock import boot_id
from edge.store import Store
from edge.store.audit.chain import read_head

NOW = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)


def drift(folder: Path) -> None:
    found = FaceDrift(folder, ["door"])
    for number in range(3):
        found.close_day(NOW + number * DAY)


def starts(folder: Path) -> None:
    found = FailedStarts(folder)
    assert found.begin() is None
    found.clear()


def audited(folder: Path) -> None:
    with Store.open(folder) as store:
        assert store.audit_log.verify().problems == ()


CASES: tuple[tuple[str, Callable[[Path], object], str], ...] = (
    ("starts.json", starts, json.dumps({"boot_id": boot_id(), "at_s": "x", "why": 5, "is_safe": "?"})),
    (FILE, drift, '{"door": [{"day": 1, "count": "x", "size_px": null, "luma": [], "sharpness": {}}]}'),
    (TODAY, drift, json.dumps({"at": NOW.isoformat(), "day": "x", "is_whole": 1, "cameras": {"door": {"count": "x"}}})),
    (f"{FOLDER}/door.json", lambda folder: read_accepted(folder, "door"), '{"at": 5, "size_px": "x"}'),
    ("status.json", lambda folder: read_status(folder, NOW), json.dumps({"at": NOW.isoformat(), "cameras": [{}]})),
    ("kernels.json", are_kept, '{"key": 1, "folder": 2, "files": "x"}'),
    ("audit.head", audited, '{"seq": "x", "sha256": 5}'),
    ("trial.json", lambda folder: Releases(folder, SystemdSite(folder)).trial(), '{"version": 5, "before": []}'),
)
SPOILED = {
    "empty": b"",
    "cut": b'{"door": [',
    "a list": b"[1, 2]",
    "nothing": b"null",
    "not UTF-8": b"\xff\xfe\x00\xe9",
    "deep": b"[" * 100_000,
}


@pytest.mark.parametrize(("name", "call", "wrong"), CASES, ids=[case[0] for case in CASES])
def test_a_spoiled_state_file_is_survived_or_refused_in_words(
    tmp_path: Path, name: str, call: Callable[[Path], object], wrong: str
) -> None:
    for how, data in {**SPOILED, "wrong types": wrong.encode(), "a folder": None}.items():
        path = tmp_path / how / name
        path.parent.mkdir(parents=True)
        path.mkdir() if data is None else path.write_bytes(data)
        told = ""
        try:
            call(tmp_path / how)
        except EdgeError as error:
            told = str(error)
        assert not told or str(path) in told, how


BEYOND = (
    (
        f"{FOLDER}/door.json",
        lambda folder: read_accepted(folder, "door"),
        {"size_px": 50.0, "luma": 0.4, "sharpness": 0.3},
    ),
    ("audit.head", read_head, {"seq": 1, "sha256": "00"}),
    ("starts.json", starts, {"boot_id": boot_id(), "at_s": []}),
)


@pytest.mark.parametrize(("name", "call", "good"), BEYOND, ids=[case[0] for case in BEYOND])
def test_times_and_numbers_beyond_all_bounds_are_survived(
    tmp_path: Path, name: str, call: Callable[[Path], object], good: dict[str, object]
) -> None:
    times = ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00")
    wrong = [{"at": NOW.isoformat(), key: float(text)} for key in (*good, "at_s") for text in ("nan", "inf", "1e308")]
    for number, one in enumerate([*wrong, *({"at": at} for at in times)]):
        path = tmp_path / str(number) / name
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(good | one))
        call(tmp_path / str(number))


@pytest.mark.parametrize("text", ["NaN", "[1, -Infinity]", '{"a": [1e999]}'])
def test_numbers_without_end_are_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "a").write_text(text)
    with pytest.raises(ValueError, match="it holds a number without end"):
        state_file.read(tmp_path / "a", Any)


def test_a_damaged_first_week_is_kept(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text('{"door": [')
    drift(tmp_path)
    assert (tmp_path / f"{FILE}.damaged").read_text() == '{"door": ['


def test_what_is_wrong_is_one_line_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "a").write_text('{"door": ["x"]}')
    with pytest.raises(ValueError, match=r"^door\.0: Input should be a valid integer") as caught:
        state_file.read(tmp_path / "a", dict[str, list[int]])
    assert "\n" not in str(caught.value)
    with pytest.raises(FileNotFoundError):
        state_file.read(tmp_path / "b", dict[str, list[int]])
