"""Engines that TensorRT builds: kept by device, driver, runtime and model; built behind a service that runs on the CPU.

No GPU is needed: a stand-in says that it runs on TensorRT and computes on the CPU. What onnxruntime is told is checked
by onnxruntime itself.
"""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np
import onnxruntime as ort
import pytest
from onnxruntime.capi.onnxruntime_inference_collection import check_and_normalize_provider_args

from edge.app.service.engines import EngineBuilder
from edge.config import RuntimeConfig
from edge.errors import ModelError
from edge.sessions import Engines, Pack
from edge.sessions import session as sessions
from edge.sessions.engines import CPU, CUDA, TENSORRT, Pending, engine_key, gpu_facts, options_of, with_options
from tests.support.models.tiny_models import embedder_bytes, entry, write_pack

FACTS = {"device": "a card", "driver": "1.2", "onnxruntime": "1.20"}
AUTO = RuntimeConfig(threads=1)


class Card:
    """Stands in for `onnxruntime.InferenceSession` where TensorRT is installed."""

    asked: ClassVar[list[Any]] = []
    is_broken = False

    def __init__(self, data: bytes, options: Any, providers: list[Any]) -> None:
        self._names = [one if isinstance(one, str) else one[0] for one in providers]
        Card.asked.append(providers)
        if Card.is_broken and self._names[0] == TENSORRT:
            raise RuntimeError("no kernel image is available for this device")
        self._real = ort.InferenceSession(data, options, providers=[CPU])

    def get_providers(self) -> list[str]:
        return self._names

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


@pytest.fixture
def pack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(sessions, "available_providers", lambda: [TENSORRT, CUDA, CPU])
    monkeypatch.setattr(sessions, "ort", SimpleNamespace(**{**vars(ort), "InferenceSession": Card}))
    monkeypatch.setattr(Card, "asked", [])
    monkeypatch.setattr(Card, "is_broken", False)
    data = embedder_bytes()
    write_pack(tmp_path / "pack", [(entry("tiny", "embed", data), data)])
    return tmp_path / "pack"


def opened(pack: Path, driver: str = "1.2") -> Pack:
    return Pack.open(pack, Engines(pack.parent / "engines", is_later=True, facts=FACTS | {"driver": driver}))


def build(pack: Pack) -> EngineBuilder:
    stages = SimpleNamespace(detector=SimpleNamespace(describe=dict), embedder=SimpleNamespace(describe=dict))
    models: Any = SimpleNamespace(pack=pack, stages=stages, descriptions={})
    builder = EngineBuilder(models)
    asyncio.run(builder.run())
    return builder


def test_a_model_runs_on_the_cpu_until_its_engine_is_built_and_at_once_the_next_time(pack: Path) -> None:
    first = opened(pack)
    session = first.load(first.find("embed"), AUTO)
    before = session.warm_up()["embedding"]
    assert session.provider == CPU
    assert [one for asked in Card.asked for one in asked] == [CPU], "TensorRT was not even asked"
    assert build(first).look()[0] == "ok"
    assert session.provider == TENSORRT
    assert np.array_equal(session.warm_up()["embedding"], before)
    again = opened(pack)
    assert again.load(again.find("embed"), AUTO).provider == TENSORRT
    assert again.engines is not None
    assert again.engines.pending == []


def test_an_engine_of_another_driver_is_not_used(pack: Path) -> None:
    first = opened(pack)
    first.load(first.find("embed"), AUTO)
    build(first)
    updated = opened(pack, driver="1.3")
    assert updated.load(updated.find("embed"), AUTO).provider == CPU
    assert updated.engines is not None
    assert len(updated.engines.pending) == 1


def test_what_was_broken_off_is_built_anew(pack: Path) -> None:
    first = opened(pack)
    assert first.engines is not None
    sha256 = first.find("embed").sha256
    (first.engines.prepare(sha256) / "half.engine").write_bytes(b"half")
    assert not first.engines.is_built(sha256)
    assert list(first.engines.prepare(sha256).iterdir()) == []


def test_an_engine_that_cannot_be_built_leaves_the_model_where_it_runs_and_says_so(
    pack: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = RuntimeConfig(threads=1, provider="tensorrt")
    first = opened(pack)
    session = first.load(first.find("embed"), chosen)
    assert session.provider == CPU
    monkeypatch.setattr(Card, "is_broken", True)
    state, told = build(first).look()
    assert (state, session.provider) == ("slower", CPU)
    assert "no kernel image is available" in told
    # A command has nobody waiting for its page: there, what was chosen must run.
    with pytest.raises(ModelError, match="no kernel image"):
        Pack.open(pack, Engines(pack.parent / "other", facts=FACTS)).load(first.find("embed"), chosen)


def test_an_engine_that_cannot_be_noted_is_used_and_built_anew_later(
    pack: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = opened(pack)
    session = first.load(first.find("embed"), AUTO)

    def full(path: Path) -> None:
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(Path, "touch", full)
    assert build(first).look()[0] == "ok", "a full disk must not end the service"
    assert session.provider == TENSORRT
    assert first.engines is not None
    assert not first.engines.is_built(session.sha256)


def test_the_end_of_the_service_does_not_wait_for_an_engine(pack: Path) -> None:
    began, may_end, ended = threading.Event(), threading.Event(), threading.Event()

    def build_slowly() -> Any:
        began.set()
        may_end.wait(20)
        ended.set()
        raise ModelError("too late")

    first = opened(pack)
    session = first.load(first.find("embed"), AUTO)
    assert first.engines is not None
    first.engines.pending[:] = [Pending("tiny", session, build_slowly)]

    async def stop_while_it_builds() -> None:
        work = asyncio.create_task(EngineBuilder(SimpleNamespace(pack=first)).run())  # type: ignore[arg-type]
        await asyncio.to_thread(began.wait)
        work.cancel()
        await asyncio.wait([work])

    asyncio.run(stop_while_it_builds())
    assert not ended.is_set()
    may_end.set()


def test_by_itself_the_next_provider_takes_over(pack: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = opened(pack)
    session = first.load(first.find("embed"), AUTO)
    monkeypatch.setattr(Card, "is_broken", True)
    build(first)
    assert session.provider == CUDA
    assert first.engines is not None
    assert not first.engines.is_built(session.sha256)


def test_only_what_runs_on_every_frame_gets_an_engine(pack: Path) -> None:
    for wanted in ("auto", "tensorrt"):
        runtime = RuntimeConfig(threads=1, provider=wanted)
        assert sessions.task_providers("detect", runtime) == [TENSORRT, CUDA, CPU]
        assert sessions.task_providers("denoise", runtime) == [CUDA, CPU]


def test_a_session_takes_over_the_same_model_alone(pack: Path, tmp_path: Path) -> None:
    first, data = opened(pack), embedder_bytes(seed=3)
    other = Pack.open(write_pack(tmp_path / "other", [(entry("tiny", "embed", data), data)]))
    session = first.load(first.find("embed"), AUTO)
    with pytest.raises(ValueError, match="another model"):
        session.take_over(other.load(other.find("embed"), RuntimeConfig(threads=1, provider="cpu")))


@pytest.mark.parametrize("changed", ["device", "driver", "onnxruntime", "model"])
def test_the_key_of_an_engine_changes_with_what_it_depends_on(changed: str) -> None:
    model = "b" * 64 if changed == "model" else "a" * 64
    assert engine_key("a" * 64, FACTS) != engine_key(model, FACTS | {changed: "another"})


def test_device_and_driver_are_read_where_nvidia_tells_them(tmp_path: Path) -> None:
    card, driver, board = tmp_path / "gpus" / "0000:01:00.0", tmp_path / "version", tmp_path / "model"
    card.mkdir(parents=True)
    (card / "information").write_text("Model: \t\t NVIDIA L4\nIRQ:   \t\t 181\n")
    driver.write_text("NVRM version: NVIDIA UNIX x86_64  550.54\nGCC version: 12\n")
    board.write_bytes(b"NVIDIA Jetson Orin Nano\0")
    assert gpu_facts(tmp_path / "gpus", board, (driver,), "1.20") == {
        "device": "NVIDIA L4",
        "driver": "NVRM version: NVIDIA UNIX x86_64  550.54",
        "onnxruntime": "1.20",
    }
    assert gpu_facts(tmp_path / "none", board, ())["device"] == "NVIDIA Jetson Orin Nano"
    assert gpu_facts(tmp_path / "none", tmp_path / "none", ())["device"] == "none"


def test_onnxruntime_understands_what_it_is_told(tmp_path: Path) -> None:
    told = with_options([TENSORRT, CUDA, CPU], "int8", tmp_path)
    names, options = check_and_normalize_provider_args(told, None, [TENSORRT, CUDA, CPU])
    assert names == [TENSORRT, CUDA, CPU]
    assert options[0]["trt_engine_cache_path"] == str(tmp_path)
    assert (options[0]["trt_engine_cache_enable"], options[0]["trt_int8_enable"]) == ("True", "True")
    assert options[0]["trt_fp16_enable"] == "False", "half precision is a file of its own, never a shortcut"
    assert options[2] == {}
    assert "trt_engine_cache_path" not in options_of(TENSORRT, "fp32", None)
