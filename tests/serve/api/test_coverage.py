"""Coverage over HTTP: spans of a short stretch, sums alone of one with very many changes."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pytest

from edge.serve.api import coverage
from edge.serve.api.schema import CoverageJson
from edge.store import time_to_text
from edge.store.database.jobs import Change
from tests.support.serve.web_client import no_less_no_more
from tests.support.web import run, running

NUM = 200
SPAN_S = 10


def test_a_long_stretch_of_many_changes_has_its_sums(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coverage, "MAX_SPANS", 60)

    async def check() -> None:
        async with running(tmp_path) as box:
            moment = box.store.coverage.moment()
            base = moment.boot_ns - NUM * SPAN_S * 10**9

            def fill(change: Change) -> None:
                rows = [
                    ("watched" if n % 4 else "blind", "" if n % 4 else "lost", base + n * SPAN_S * 10**9)
                    for n in range(NUM)
                ]
                change.db.executemany(
                    """INSERT INTO spans (run_id, boot_id, camera, state, reason, by, start_ns, end_ns)
                       VALUES ('x', ?, 'door', ?, ?, NULL, ?, ?)""",
                    [(moment.boot_id, *row, row[2] + SPAN_S * 10**9) for row in rows],
                )

            box.store.coverage.begin().result(10)  # which places this boot in time
            box.store._core.write(fill).result(10)
            token = box.token("health:read")
            start = moment.wall - dt.timedelta(seconds=NUM * SPAN_S)
            for begin, has_spans in (
                (start - dt.timedelta(days=7), False),
                (moment.wall - dt.timedelta(seconds=95), True),
            ):
                query = f"from={time_to_text(begin)}&to={time_to_text(moment.wall)}".replace("+", "%2B")
                answer, body = await box.get(f"/api/v1/coverage?{query}", token)
                told = json.loads(body)
                assert (answer.status, told["has_spans"]) == (200, has_spans)
                no_less_no_more(CoverageJson, told)
                (door,) = told["cameras"]
                assert bool(door["spans"]) == has_spans
                whole = door["watched_s"] + sum(door["blind_s"].values()) + sum(door["paused_s"].values())
                assert whole == pytest.approx(told["seconds"], abs=0.01)
                if not has_spans:
                    assert door["watched_s"] == pytest.approx(NUM * SPAN_S * 3 / 4, abs=0.01)
                    assert door["blind_s"]["lost"] == pytest.approx(NUM * SPAN_S / 4, abs=0.01)
                    assert door["blind_s"]["nothing recorded yet"] == pytest.approx(7 * 86400, abs=0.01)

    run(check())
