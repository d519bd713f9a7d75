"""Whose turn it is at the writer: all jobs that wait, then one slice of long work, and so on in turn.

So an alert waits for one slice at most, however many people are being erased at once.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import Any

from edge.store.database.jobs import Job

MAX_QUEUED = 1000
MAX_GROUPED = 64


class Turns:
    """Jobs in the order they came in; for any thread."""

    def __init__(self) -> None:
        self._jobs: deque[Job[Any]] = deque()
        self._slices: deque[Job[Any]] = deque()
        self._is_slice_next = False
        self._is_ended = False
        self._changed = threading.Condition()

    def __len__(self) -> int:
        return len(self._jobs) + len(self._slices)

    def put(self, job: Job[Any]) -> bool:
        """Queue a job; False if too many wait. Of slices there are as many as there is long work."""
        with self._changed:
            if not job.is_slice and len(self._jobs) >= MAX_QUEUED:
                return False
            (self._slices if job.is_slice else self._jobs).append(job)
            self._changed.notify()
            return True

    def end(self) -> None:
        """What is queued is the last."""
        with self._changed:
            self._is_ended = True
            self._changed.notify()

    def next_batch(self, timeout_s: float) -> tuple[list[Job[Any]], bool]:
        """Wait for jobs as long as that, then take those whose turn it is; True when they are the last."""
        with self._changed:
            self._changed.wait_for(lambda: self._jobs or self._slices or self._is_ended, timeout_s)
            if self._slices and (self._is_slice_next or not self._jobs):
                batch = [self._slices.popleft()]
            else:
                batch = [self._jobs.popleft() for _ in range(min(len(self._jobs), MAX_GROUPED))]
            self._is_slice_next = not (batch and batch[0].is_slice)
            return batch, self._is_ended and not self._jobs and not self._slices
