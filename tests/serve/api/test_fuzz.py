"""Every call openapi.json describes, with whatever can be sent: no 5xx, no undescribed status, no undescribed body."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from edge.app.people.worker import PeopleWorker
from edge.config import Config
from edge.store import Store
from edge.watchlist.entry import EnrolOutcome, ListEntry
from tests.support.serve.central import serve
from tests.support.store import ANN, BOB, add_hits, enrol

pytest.importorskip("schemathesis", reason="needs schemathesis, one of the dev packages")

EXAMPLES = 25
CONFIG = """
[checks]
# No schema can tell which cursor was issued, which range lies in the past, or that two entries have one id.
positive_data_acceptance.expected-statuses = ["2xx", "3xx", 400, 401, 403, 404, 410, 412, 422, 429]
missing_required_header.expected-statuses = [400, 401, 428]
"""


class Accepts(PeopleWorker):
    """Every picture is good, and none is kept."""

    async def enrol(
        self,
        entry: ListEntry,
        *,
        by: str,
        replaces: bool = False,
        allow_alike: bool = False,
        if_version: int | None = None,
    ) -> EnrolOutcome:
        return await super().enrol(replace(entry, pictures=None), by=by)

    async def replace_list(
        self, entries: Sequence[ListEntry], *, by: str, if_version: int | None = None
    ) -> tuple[EnrolOutcome, ...]:
        return tuple([await self.enrol(entry, by=by) for entry in entries])


@contextmanager
def box(folder: Path) -> Iterator[tuple[str, Store, str]]:
    """Address, store and token of a web side on a loop of its own thread."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    with Store.open(folder) as store:
        enrol(store, ANN)
        enrol(store, BOB)
        add_hits(store, ANN, range(1, 6))
        scopes = ["alerts:read", "health:read", "watchlist:read", "watchlist:write"]
        token = store.add_token("fuzz", scopes).result(10)
        runner, port = asyncio.run_coroutine_threadsafe(serve(store, 0, Accepts(Config(), store, None)), loop).result(
            20
        )
        try:
            yield f"http://127.0.0.1:{port}", store, token
        finally:
            asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(20)
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            loop.close()


def test_all_checks_of_schemathesis(tmp_path: Path) -> None:
    with box(tmp_path) as (url, store, token):
        command = [sys.executable, "-m", "schemathesis.cli", "run", f"{url}/api/v1/openapi.json"]
        # Any version: which one is right changes with every call that succeeds.
        command += [
            "-H",
            f"Authorization: Bearer {token}",
            "-H",
            "If-Match: *",
            "--checks",
            "all",
            "--seed",
            "7",
            "--no-color",
        ]
        command += ["--max-examples", str(EXAMPLES), "--phases", "examples,coverage,fuzzing"]
        (tmp_path / "schemathesis.toml").write_text(CONFIG)
        done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False, timeout=280)
        report = (done.stdout + done.stderr)[-8000:]
        assert done.returncode == 0, report
        assert store.check() == []
        assert store.audit_log.verify().problems == ()
