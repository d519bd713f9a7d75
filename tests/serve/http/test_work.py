"""What machines ask for is paid with CPU time: who asks without end is told to wait, and nobody else is."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from edge.errors import AuthError
from edge.serve.http import work
from edge.serve.http.work import CpuCredit, Metered
from tests.support.web import run, running

PATH = "/api/v1/coverage"


class CpuClock:
    """The CPU time of this thread, which only work moves."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.time_s = 0.0
        monkeypatch.setattr("edge.serve.http.work.time.thread_time", lambda: self.time_s)


def test_steps_between_waits_are_summed_up_and_waits_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    cpu = CpuClock(monkeypatch)

    async def other() -> None:
        for _ in range(5):
            cpu.time_s += 100.0
            await asyncio.sleep(0)

    async def work_in_steps() -> str:
        for _ in range(3):
            cpu.time_s += 0.5
            await asyncio.sleep(0)
        raise KeyError("kept")

    async def check() -> None:
        metered = Metered(work_in_steps())
        beside = asyncio.create_task(other())
        with pytest.raises(KeyError, match="kept"):
            await metered
        await beside
        assert metered.cost_s == 1.5

    asyncio.run(check())


def test_what_is_cancelled_ends_and_has_cost_what_it_did(monkeypatch: pytest.MonkeyPatch) -> None:
    cpu = CpuClock(monkeypatch)
    ended: list[bool] = []

    async def endless() -> None:
        cpu.time_s += 2.0
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(True)

    async def check() -> None:
        metered = Metered(endless())

        async def run_it() -> None:
            await metered

        task = asyncio.create_task(run_it())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert (metered.cost_s, ended) == (2.0, [True])

    asyncio.run(check())


def test_debts_are_worked_off_by_a_share_of_each_second(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr("edge.serve.http.work.time.monotonic", lambda: now[0])
    credit = CpuCredit(share=0.1, burst_s=1.0)
    credit.charge("token greedy", 3.0)
    with pytest.raises(AuthError) as refused:
        credit.require("token greedy")
    assert (refused.value.http_status, refused.value.retry_after_s) == (429, 20)
    credit.require("token modest")
    now[0] += 20
    credit.require("token greedy")


def test_a_machine_that_asks_without_end_waits_and_others_and_people_do_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    sleep = asyncio.sleep

    async def note(delay_s: float, result: object = None) -> object:
        pauses.append(delay_s)
        return await sleep(0, result)

    monkeypatch.setattr(work, "REQUEST_S", 0.9)  # so that a few requests are many
    monkeypatch.setattr("edge.serve.app.REQUESTS_SHARE", 0.001)  # so that none are worked off meanwhile

    async def check() -> None:
        async with running(tmp_path) as box:
            greedy, modest = box.token("health:read", name="greedy"), box.token("health:read", name="modest")
            monkeypatch.setattr("edge.serve.http.work.asyncio.sleep", note)
            answers = [(await box.get(PATH, greedy))[0] for _ in range(6)]
            assert [answer.status for answer in answers] == [200] * 4 + [429] * 2
            assert int(answers[-1].headers["Retry-After"]) >= 600
            assert pauses.count(work.REFUSED_S) == 2, "refusals are held back"
            assert (await box.get(PATH, modest))[0].status == 200
            for _ in range(6):
                assert (await box.get(PATH, box.session("auditor")))[0].status == 200

    run(check())
