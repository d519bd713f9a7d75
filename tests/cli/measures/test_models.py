"""`edge models` lists and verifies the pack."""

from __future__ import annotations

import json

from tests.support.appliance import edge


def test_models_list_and_verify() -> None:
    listed = json.loads(edge("models", "list", "--json").stdout)
    assert {m["task"] for m in listed} >= {"detect", "embed"}
    done = edge("models", "verify", "--json")
    assert done.returncode == 0, done.stdout
    assert all(m["ok"] for m in json.loads(done.stdout))
