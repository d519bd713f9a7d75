"""A model that this processor computes wrongly: the doctor says what is used instead, and why."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from edge.config import PACKAGED_MODELS
from edge.ops.doctor.models import check_models
from edge.sessions import Pack
from edge.sessions.session import Session
from tests.support.doctor.cases import config_of, one


def test_exact_arithmetic_in_place_of_wrong_kernels_is_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = Pack.open(PACKAGED_MODELS).find("embed")
    if entry.precision != "int8":
        pytest.skip("the shipped embedder is not int8")
    real = Session.run

    def wrong(self: Session, tensor: Any) -> dict[str, Any]:
        answer = real(self, tensor)
        is_spoilt = self.sha256 == entry.sha256 and self.arithmetic != "exact"
        return {name: array[..., ::-1] for name, array in answer.items()} if is_spoilt else answer

    monkeypatch.setattr(Session, "run", wrong)
    checks = list(check_models(config_of(tmp_path)))
    check = one(checks, f"model {entry.name}")
    assert check.status == "warn"
    assert check.fix is not None
    assert "in exact arithmetic is used" in check.fix
    assert f"passed over: {entry.file} on CPUExecutionProvider answers" in check.found
    others = [other for other in checks if other.name.startswith("model ") and other is not check]
    assert {other.status for other in others} == {"pass"}
