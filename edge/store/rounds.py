"""Rounds of retention on the write thread, until nothing is too old or too much and its files are deleted."""

from __future__ import annotations

import datetime as dt
import logging
import sqlite3
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace

from edge.store import images, reserve, retention
from edge.store.core import Core
from edge.store.database import gaps, slices
from edge.store.database.jobs import Change
from edge.store.retention import RetentionLimits
from edge.store.rows import Consumer, RetentionReport

log = logging.getLogger(__name__)


class Rounds:
    """One enforcement of the limits. Used on the write thread."""

    def __init__(
        self,
        core: Core,
        limits: RetentionLimits,
        now: dt.datetime,
        consumers: Callable[[sqlite3.Connection], list[Consumer]],
    ) -> None:
        self._core = core
        self._limits = limits
        self._now = now
        self._consumers = consumers
        self._is_decided = False
        self._has_cut = False
        self._can_delete = True
        self._total = RetentionReport()

    def start(self) -> Future[RetentionReport]:
        """Run rounds until nothing is left to do; others have their turn in between."""

        def start_round() -> Future[RetentionReport | None]:
            done = self._core.write(self._apply, finish=self._finish, is_slice=True)
            return slices.then(done, self._add)

        return slices.until_done(start_round)

    def _add(self, report: RetentionReport) -> RetentionReport | None:
        """The sum of all rounds, once the last is over."""
        self._total = retention.add(self._total, report)
        return self._total if report.is_complete else None

    def _apply(self, change: Change) -> RetentionReport:
        if self._is_decided:  # files are left to delete; a disk may tell late how much that has freed
            return RetentionReport(image_bytes_left=retention.image_bytes(change.db))
        if self._can_delete and images.has_released(change.db):  # they would be taken for a lack of space
            return RetentionReport(is_complete=False)
        pulled = [consumer.seq for consumer in self._consumers(change.db)]
        moment = replace(self._core.moment(), wall=self._now)
        # Where no file can be deleted, giving up pictures frees no space; what is too old goes all the same.
        limits = self._limits if self._can_delete else replace(self._limits, min_free_bytes=0)
        return retention.run_round(change, self._core.folder, limits, min(pulled, default=None), moment)

    def _finish(self, db: sqlite3.Connection, report: RetentionReport) -> RetentionReport:
        """After the commit: delete files and give free pages back to the disk, for a moment; the rest has a round."""
        self._is_decided = report.is_complete
        self._has_cut |= report.hits_removed + report.feed_items_removed > 0
        until = slices.now() + slices.SLICE_S
        is_done = self._delete_files(db)
        if self._has_cut:
            while not (is_given := gaps.give_back_pages(db, self._core.path)) and slices.now() < until:
                pass
            is_done &= is_given
        folder = self._core.folder
        reserve.create(folder)  # make the reserve again if it was used
        free_bytes = reserve.free_bytes(folder)
        return replace(report, free_bytes=free_bytes, is_complete=report.is_complete and is_done)

    def _delete_files(self, db: sqlite3.Connection) -> bool:
        """Whether no file is left that can be deleted. One that can't be keeps no row that is too old."""
        if self._can_delete:
            try:
                return images.delete_released(db, self._core.blobs, slices.SLICE_S)
            except OSError as error:
                self._can_delete = False
                log.error("files of pictures can't be deleted: %s", error)
        return True
