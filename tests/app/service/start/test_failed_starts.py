"""Starts that come to nothing are counted; those that came to run, or were of another boot, are not."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.app.service.start import failed_starts
from edge.app.service.start.failed_starts import MAX_STARTS, SILENT, WITHIN_S, FailedStarts, Failure


class Boot:
    """A boot's own clock that moves only when told to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.at_s, self.boot = 100.0, "one"
        monkeypatch.setattr(failed_starts, "read_boot_clock", lambda: (self.boot, int(self.at_s * 1e9)))
        monkeypatch.setattr(failed_starts, "boot_id", lambda: self.boot)


@pytest.fixture
def boot(monkeypatch: pytest.MonkeyPatch) -> Boot:
    return Boot(monkeypatch)


def test_five_crashes_in_a_row_are_too_many(tmp_path: Path, boot: Boot) -> None:
    for _ in range(MAX_STARTS):
        assert FailedStarts(tmp_path).begin() is None
        boot.at_s += 20
    assert FailedStarts(tmp_path).begin() == Failure("crash", SILENT)


def test_the_last_reason_is_told(tmp_path: Path, boot: Boot) -> None:
    why = Failure("storage", "the disk is gone")
    for number in range(MAX_STARTS):
        starts = FailedStarts(tmp_path)
        assert starts.begin() is None
        assert starts.note(why) is (number == MAX_STARTS - 1)
    assert FailedStarts(tmp_path).begin() == why


def test_a_service_that_ran_for_a_minute_begins_anew(tmp_path: Path, boot: Boot) -> None:
    for _ in range(3 * MAX_STARTS):
        starts = FailedStarts(tmp_path)
        assert starts.begin() is None
        starts.clear()
    assert not (tmp_path / failed_starts.FILE).exists()


def test_starts_long_ago_and_of_another_boot_do_not_count(tmp_path: Path, boot: Boot) -> None:
    for _ in range(2 * MAX_STARTS):
        assert FailedStarts(tmp_path).begin() is None
        boot.at_s += WITHIN_S / (MAX_STARTS - 1)
    for number in range(2 * MAX_STARTS):
        boot.boot, boot.at_s = f"boot {number}", 10.0
        assert FailedStarts(tmp_path).begin() is None


def test_only_the_safe_page_itself_tries_again(tmp_path: Path, boot: Boot) -> None:
    FailedStarts(tmp_path).keep_safe()
    assert FailedStarts(tmp_path).begin() is not None
    starts = FailedStarts(tmp_path)
    assert starts.begin(is_trial=True) is None
    assert FailedStarts(tmp_path).begin() is not None, "the trial was killed"
    assert starts.note(Failure("storage", "again")), "one failure more is enough"
    assert FailedStarts(tmp_path).begin() == Failure("storage", "again")
    starts.clear()
    assert FailedStarts(tmp_path).begin() is None


def test_a_file_that_makes_no_sense_counts_nothing(tmp_path: Path, boot: Boot) -> None:
    for text in ("", "{", "[]", '{"boot_id": "one", "more": 1}'):
        (tmp_path / failed_starts.FILE).write_text(text)
        assert FailedStarts(tmp_path).begin() is None


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path, boot: Boot) -> None:
    (tmp_path / "file").write_text("")
    starts = FailedStarts(tmp_path / "file" / "data")
    assert starts.begin() is None
    assert not starts.is_kept
