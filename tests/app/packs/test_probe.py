"""`edge probe` keeps the fastest way that lost no accuracy; the service demands what was chosen."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnx
import pytest

from edge.app.build import load_models
from edge.app.packs import probe
from edge.app.packs.probe import Probe
from edge.config import PACKAGED_MODELS, Config, DetectConfig, RuntimeConfig
from edge.errors import ConfigError, ModelError
from edge.ops.packs.choice import Choice, platform_facts, read_choice, why_stale, write_choice
from edge.sessions import ModelEntry, Pack, Session
from tests.support.models.packs import pack_with, worn

CUDA = "CUDAExecutionProvider"
CPU = "CPUExecutionProvider"


def renamed(model: onnx.ModelProto) -> None:
    """Another file with the same answers."""
    model.producer_name = "another file"


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return Config(data_dir=tmp_path / "data", models_dir=PACKAGED_MODELS, runtime=RuntimeConfig(threads=1))


def timed(monkeypatch: pytest.MonkeyPatch, *lists: list[float]) -> None:
    """Say how long each way took, task by task, instead of measuring it."""
    left = list(lists)
    monkeypatch.setattr(probe, "_time", lambda calls: left.pop(0)[: len(calls)])


def test_the_packaged_pack_keeps_its_accuracy_on_this_machine(config: Config) -> None:
    choice = Probe(config).run()
    assert choice.judged_by == "the answers sealed in the pack"
    assert {one.task for one in choice.models} == {"detect", "embed"}
    for one in choice.measured:
        if one.provider == CPU:
            assert one.refused is None
            assert one.accuracy is not None
            assert one.accuracy > 0.95
    assert any("no other precision" in note for note in choice.notes), "what is not there is said"
    write_choice(config.data_dir, choice)
    assert read_choice(config.data_dir) == choice
    assert why_stale(choice, Pack.open(config.models_dir), platform_facts()) == []


def test_the_fastest_that_keeps_its_accuracy_is_chosen(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    variants = (("detect", "quick", renamed), ("embed", "worn", worn), ("embed", "other", renamed))
    config = config.model_copy(update={"models_dir": pack_with(tmp_path / "pack", *variants)})
    timed(monkeypatch, [10.0, 5.0], [10.0, 9.5])
    choice = Probe(config, providers=[CPU]).run()
    detect, embed = choice.of("detect"), choice.of("embed")
    assert detect is not None
    assert embed is not None
    assert detect.model == "quick"
    assert "5.00 ms" in detect.why
    assert embed.model == "embed_plain", "half a millisecond of ten is chance"
    (bad,) = [one for one in choice.measured if one.model == "worn"]
    assert "lost accuracy" in str(bad.refused)
    assert bad.ms is None
    write_choice(config.data_dir, choice)
    assert load_models(config).descriptions["detect"]["name"] == "quick"
    named = config.model_copy(update={"detect": config.detect.model_copy(update={"model": "detect_mosaic"})})
    assert load_models(named).descriptions["detect"]["name"] == "detect_mosaic", "what the configuration names wins"


def test_an_embedder_without_strangers_is_not_chosen(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = pack_with(tmp_path / "pack", ("embed", "other", renamed), strangers=False)
    timed(monkeypatch, [10.0], [10.0])
    choice = Probe(config.model_copy(update={"models_dir": folder}), providers=[CPU]).run()
    (other,) = [one for one in choice.measured if one.model == "other"]
    assert "calibration would be void" in str(other.refused)


def test_another_embedder_says_that_the_people_must_come_along(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = pack_with(tmp_path / "pack", ("embed", "other", renamed))
    timed(monkeypatch, [10.0], [10.0, 2.0])
    choice = Probe(config.model_copy(update={"models_dir": folder}), providers=[CPU]).run()
    assert any("edge watchlist reembed" in note for note in choice.notes)


def _gpu(config: Config, *, works: bool) -> Callable[[ModelEntry, RuntimeConfig], Session]:
    """Loading as on a box with a GPU: it computes on the CPU, or can't load at all."""
    pack = Pack.open(config.models_dir)

    def load(entry: ModelEntry, runtime: RuntimeConfig) -> Session:
        if runtime.provider == CUDA and not works:
            raise ModelError(
                "m.onnx: CUDAExecutionProvider was chosen, but onnxruntime runs it on CPU; mend the driver"
            )
        return pack.load(entry, runtime.model_copy(update={"provider": CPU}))

    return load


def test_a_gpu_that_does_not_run_is_refused_by_name(config: Config) -> None:
    choice = Probe(config, _gpu(config, works=False), [CUDA, CPU]).run()
    assert {one.provider for one in choice.models} == {CPU}
    refused = [one.refused for one in choice.measured if one.provider == CUDA]
    assert len(refused) == 2
    assert all("mend the driver" in str(why) for why in refused)


def test_a_gpu_that_was_chosen_is_never_passed_over(
    config: Config, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    timed(monkeypatch, [1.0, 10.0], [1.0, 10.0])
    choice = Probe(config, _gpu(config, works=True), [CUDA, CPU]).run()
    assert {one.provider for one in choice.models} == {CUDA}
    write_choice(config.data_dir, choice)
    with pytest.raises(ConfigError, match=r"CUDAExecutionProvider.*edge probe"):
        load_models(config)
    # Stale or not, the GPU stays demanded: a driver that was taken away must not slow the box down unseen.
    gone = choice.model_copy(update={"platform": {**choice.platform, "driver": "another"}})
    write_choice(config.data_dir, gone)
    with caplog.at_level(logging.WARNING), pytest.raises(ConfigError):
        load_models(config)
    assert "driver" in caplog.text
    explicit = config.model_copy(update={"runtime": RuntimeConfig(provider="cpu")})
    assert load_models(explicit).descriptions["embed"]["provider"] == CPU


def test_nothing_is_chosen_where_every_way_lost_its_accuracy(config: Config, tmp_path: Path) -> None:
    folder = pack_with(tmp_path / "pack")
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    recorded = json.loads((folder / "golden.json").read_text("utf-8"))
    for kept in recorded["embed"].values():
        kept["vector"] = kept["vector"][::-1]
    data = json.dumps(recorded).encode()
    (folder / "golden.json").write_bytes(data)
    manifest["golden"] |= {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
    (folder / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    with pytest.raises(ModelError, match="does not keep its accuracy on this box"):
        Probe(config.model_copy(update={"models_dir": folder})).run()


def test_a_pack_that_was_not_sealed_is_judged_by_the_own_cpu(config: Config, tmp_path: Path) -> None:
    folder = pack_with(tmp_path / "pack")
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    del manifest["golden"]
    (folder / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    outside = {"models_dir": folder, "detect": DetectConfig(model="haar")}
    choice = Probe(config.model_copy(update=outside)).run()
    assert choice.judged_by == "this box's own CPU"
    assert [note.partition(" ")[0] for note in choice.notes] == ["detect.model", "the", "the"], "each is said once"


@pytest.mark.parametrize("what", ["onnxruntime", "driver", "machine", "model"])
def test_a_choice_gets_stale(config: Config, what: str) -> None:
    choice = _choice(config)
    pack = Pack.open(config.models_dir)
    assert why_stale(choice, pack, platform_facts()) == []
    facts: dict[str, Any] = dict(platform_facts())
    if what == "model":
        models = tuple(one.model_copy(update={"sha256": "0" * 64}) for one in choice.models)
        assert why_stale(choice.model_copy(update={"models": models}), pack, facts) == ["the detect model"]
        return
    assert why_stale(choice, pack, {**facts, what: "new"}) == [what]


def test_a_damaged_choice_is_said(config: Config) -> None:
    path = write_choice(config.data_dir, _choice(config))
    path.write_text("{}", "utf-8")
    with pytest.raises(ConfigError, match="run `edge probe` again"):
        load_models(config)


def _choice(config: Config) -> Choice:
    entry = Pack.open(config.models_dir).find("detect")
    kept = {"task": "detect", "model": entry.name, "sha256": entry.sha256, "precision": "int8", "provider": CPU}
    model = {**kept, "ms": 1.0, "why": "the only one"}
    told = {"at": "now", "platform": platform_facts(), "judged_by": "", "models": [model], "measured": []}
    return Choice.model_validate(told)


def test_driver_and_processor_are_read_from_files(tmp_path: Path) -> None:
    driver, cpu = tmp_path / "version", tmp_path / "cpuinfo"
    driver.write_text("NVRM version: NVIDIA UNIX aarch64 Kernel Module  540.4.0\nGCC version\n", "utf-8")
    cpu.write_text("processor : 0\nmodel name : Some CPU\n", "utf-8")
    facts = platform_facts((tmp_path / "none", driver), cpu)
    assert "540.4.0" in facts["driver"]
    assert facts["machine"].endswith("Some CPU")


def test_the_packaged_pack_is_sealed_by_its_own_models() -> None:
    """Else `edge probe` and `edge models use` judge by the answers of other models: run `python -m tools.seal`."""
    manifest = json.loads((PACKAGED_MODELS / "manifest.json").read_text("utf-8"))
    recorded = json.loads((PACKAGED_MODELS / manifest["golden"]["file"]).read_text("utf-8"))
    defaults = {model["task"]: model["sha256"] for model in manifest["models"] if model["default"]}
    assert recorded["models"] == {task: defaults[task] for task in ("detect", "embed")}
    low, _ = recorded["replay"]["bands"]["similarity"]
    assert low > 0.6
