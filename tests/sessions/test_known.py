"""A session that does not reproduce its known answer is not used; what is used instead is said."""

from __future__ import annotations

import hashlib
import json
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge.config import PACKAGED_MODELS, RuntimeConfig
from edge.errors import ModelError
from edge.sessions import InputSpec, ModelEntry, Pack, Session
from edge.sessions import session as sessions
from edge.sessions import trial as trials
from edge.sessions.known import KnownAnswer, drawn_input, record
from tests.support.models.tiny_models import embedder_bytes, entry, write_pack

RUNTIME = RuntimeConfig(threads=1)
SHAPE = (1, 3, 112, 112)
CPU, CUDA = "CPUExecutionProvider", "CUDAExecutionProvider"


def sealed_pack(folder: Path, known: dict[str, dict[str, Any]], *models: tuple[dict[str, Any], bytes]) -> Pack:
    """A pack whose recorded answers hold these known answers by name of the model."""
    write_pack(folder, list(models))
    hashes = {told["name"]: told["sha256"] for told, _ in models}
    data = json.dumps({"known": {hashes[name]: answer for name, answer in known.items()}}).encode()
    (folder / "golden.json").write_bytes(data)
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    manifest["golden"] = {"file": "golden.json", "sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
    (folder / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    return Pack.open(folder)


def answer_of(data: bytes, folder: Path) -> dict[str, Any]:
    """What a tiny embedder really answers, JSON-ready."""
    pack = Pack.open(write_pack(folder, [(entry("tiny", "embed", data), data)]))
    return pack.answer(pack.find("embed"), 1).as_json()


def test_the_drawn_input_is_the_same_everywhere() -> None:
    drawn = drawn_input(1, SHAPE, InputSpec())
    digest = hashlib.sha256(np.ascontiguousarray(drawn).tobytes()).hexdigest()
    assert digest == "079df53206bb67abd9fbc1723cafa53cf3eff562569d77ae0ad4a199d59be6a3", (
        "a recorded answer is of no use with another input"
    )
    assert drawn.std() > 40, "coarse and fine structure over most of the range"
    scaled = drawn_input(1, SHAPE, InputSpec(mean=(10, 20, 30), std=(2, 4, 8)))
    np.testing.assert_allclose(scaled[0, 2], (drawn[0, 2] - 30) / 8, rtol=1e-6)


def test_distance_is_in_units_of_the_tolerance() -> None:
    exact = {"out": np.linspace(-1, 1, 1000, dtype=np.float32)}
    known = KnownAnswer.parse(json.loads(json.dumps(record(1, SHAPE, exact, is_picture=False).as_json())))
    assert known.distance(exact) < 0.001
    tolerance = known.outputs["out"][1]
    assert known.distance({"out": exact["out"] + np.float32(2 * tolerance)}) == pytest.approx(2, rel=1e-3)
    assert known.distance({"out": exact["out"] * np.nan}) == known.distance({}) == float("inf")
    assert known.distance({"out": exact["out"][:50]}) == float("inf")


@pytest.mark.parametrize("recorded", [{}, {"seed": 1, "shape": [1, 2], "outputs": {}}, {"seed": 1, "shape": 3}])
def test_damaged_answers_are_said(recorded: dict[str, Any]) -> None:
    with pytest.raises(ModelError, match="restore the pack"):
        KnownAnswer.parse(recorded)


def test_a_session_that_reproduces_its_answer_is_used(tmp_path: Path) -> None:
    data = embedder_bytes()
    pack = sealed_pack(
        tmp_path / "pack", {"tiny": answer_of(data, tmp_path / "a")}, (entry("tiny", "embed", data), data)
    )
    session = pack.load(pack.find("embed"), RUNTIME)
    assert "reproduces its known answer" in session.describe()["choice"]
    assert session.describe()["arithmetic"] == "as built"


def test_a_model_without_the_right_answer_is_refused_by_name(tmp_path: Path) -> None:
    data, other = embedder_bytes(), embedder_bytes(seed=1)
    known = {"tiny": answer_of(other, tmp_path / "a")}
    pack = sealed_pack(tmp_path / "pack", known, (entry("tiny", "embed", data), data))
    with pytest.raises(
        ModelError, match=r"tiny\.onnx: the model tiny is refused.*times the tolerance.*restore the pack"
    ):
        pack.load(pack.find("embed"), RUNTIME)
    (result,) = pack.verify(RUNTIME)
    assert "is refused" in str(result.problem)


def test_the_twin_in_full_precision_is_next(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    data, twin = embedder_bytes(), embedder_bytes(seed=1)
    models = [
        (entry("tiny", "embed", data, precision="int8"), data),
        (entry("twin", "embed", twin, default=False, variant_of="tiny"), twin),
    ]
    right = answer_of(twin, tmp_path / "a")
    pack = sealed_pack(tmp_path / "pack", {"tiny": right, "twin": right}, *models)
    with caplog.at_level(logging.WARNING):
        session = pack.load(pack.find("embed"), RUNTIME)
    assert session.describe()["name"] == "twin"
    assert session.choice.count("passed over") == 2, "the int8 kernels, then exact arithmetic"
    assert "twin.onnx on CPUExecutionProvider" in caplog.text
    with pytest.raises(ModelError, match="the model tiny is refused"):
        pack.load_only(pack.find("embed"), RUNTIME)


def test_exact_arithmetic_helps_where_int8_kernels_are_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a processor whose kernels saturate: the optimised session of the shipped embedder answers otherwise."""
    real = Session.run

    def wrong(self: Session, tensor: Any) -> dict[str, Any]:
        answer = real(self, tensor)
        return answer if self.arithmetic == "exact" else {name: array[..., ::-1] for name, array in answer.items()}

    pack = Pack.open(PACKAGED_MODELS)
    if pack.find("embed").precision != "int8":
        pytest.skip("the shipped embedder is not int8")
    monkeypatch.setattr(Session, "run", wrong)
    session = pack.load(pack.find("embed"), RUNTIME)
    assert session.arithmetic == "exact"
    assert "on CPUExecutionProvider answers" in session.choice


def test_the_next_provider_is_tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "available_providers", lambda: [CUDA, CPU])
    told = entry("tiny", "embed", embedder_bytes())
    ways = trials.ways_of(ModelEntry.model_validate(told), RUNTIME)
    assert [(way.skip, way.arithmetic) for way in ways] == [(0, "as built"), (1, "as built")]
    data = embedder_bytes()
    pack = Pack.open(write_pack(tmp_path, [(told, data)]))
    known = pack.answer(pack.find("embed"), 1)

    def open_way(way: trials.Way) -> Session:
        if way.skip == 0:
            raise ModelError("tiny.onnx: onnxruntime can't load it on this GPU")
        return pack.load(pack.find("embed"), RuntimeConfig(threads=1, provider="cpu"))

    session = trials.start(ways, open_way, lambda sha256: known)
    assert session.provider == CPU
    assert "passed over: tiny.onnx: onnxruntime can't load it on this GPU" in session.choice


def test_answers_that_cannot_be_read_stop_nobody(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    data = embedder_bytes()
    pack = sealed_pack(tmp_path, {}, (entry("tiny", "embed", data), data))
    assert "no known answer" in pack.load(pack.find("embed"), RUNTIME).choice
    (tmp_path / "golden.json").write_text("{}", "utf-8")
    assert "not checked" in pack.load(pack.find("embed"), RUNTIME).choice
    assert "can't be checked" in caplog.text


def test_every_shipped_model_has_a_known_answer() -> None:
    pack = Pack.open(PACKAGED_MODELS)
    for one in pack.manifest.models:
        known = pack.known(one.sha256)
        assert known is not None, f"{one.name}: run python -m tools.seal"
        again = pack.answer(one, known.seed)
        assert set(again.outputs) == set(one.outputs)
        found = {name: values for name, (values, _) in again.outputs.items()}
        assert known.distance(found) < 0.05, "exact arithmetic is the same on every processor"
