"""`edge demo --once`: the whole service, its hit pulled over HTTP and seen on the page."""

from __future__ import annotations

import json

import pytest

from tests.support.appliance import edge


@pytest.mark.timeout(300)
def test_demo_once() -> None:
    done = edge("demo", "--once", timeout=280)
    assert done.returncode == 0, done.stderr
    shown = json.loads(done.stdout)
    assert shown["on_page"] is True
    assert shown["hit"]["kind"] == "test"
    assert shown["hit"]["person"]["id"] == "demo-1"
    assert shown["hit"]["liveness"] == "not_assessed"
    assert shown["hit"]["images"]["enhanced"], "the demo's picture must be enhanced at the end"
    assert [step["name"] for step in shown["hit"]["recipe"]["steps"]] == ["lime"]
