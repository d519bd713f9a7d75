"""Models are checked before they run: each way a file can be wrong is a named refusal."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import helper

from edge.config import PACKAGED_MODELS, RuntimeConfig
from edge.errors import ConfigError, ModelError
from edge.sessions import InputSpec, Pack, load_file
from edge.sessions.header import read_header
from edge.sessions.session import check_provider, choose_providers
from tests.support.models.tiny_models import detector_bytes, embedder_bytes, entry, write_pack

RUNTIME = RuntimeConfig(threads=1)
DATA = embedder_bytes()


def make(folder: Path, data: bytes = DATA, **changes: Any) -> Pack:
    return Pack.open(write_pack(folder, [(entry("tiny", "embed", data, **changes), data)]))


def refusal(pack: Pack) -> str:
    with pytest.raises(ModelError) as caught:
        pack.load(pack.find("embed"), RUNTIME)
    message = str(caught.value)
    assert "tiny.onnx" in message
    assert "restore" in message or "export" in message or "put the file" in message, "says what to do"
    return message


def test_load_runs_and_describes_itself(tmp_path: Path) -> None:
    pack = make(tmp_path)
    session = pack.load(pack.find("embed", "tiny"), RUNTIME)
    answer = session.run(np.full((3, 3, 112, 112), 2.0, np.float32))
    assert {name: array.shape for name, array in answer.items()} == {"embedding": (3, 8)}
    about = session.describe()
    assert (about["opset"], about["precision"], about["source"], about["threads"]) == (17, "fp32", "pack", 1)
    assert about["provider"] == session.provider == "CPUExecutionProvider"
    assert about["sha256"] == pack.find("embed").sha256
    assert session.batch is None
    assert session.fixed_size == (112, 112)


def test_missing_file(tmp_path: Path) -> None:
    pack = make(tmp_path)
    (tmp_path / "tiny.onnx").unlink()
    assert "no such model file" in refusal(pack)


def test_empty_file(tmp_path: Path) -> None:
    pack = make(tmp_path)
    (tmp_path / "tiny.onnx").write_bytes(b"")
    assert "empty" in refusal(pack)


def test_truncated_file(tmp_path: Path) -> None:
    pack = make(tmp_path)
    (tmp_path / "tiny.onnx").write_bytes(DATA[:-10])
    assert "cut short" in refusal(pack)


def test_altered_file(tmp_path: Path) -> None:
    pack = make(tmp_path)
    altered = bytearray(DATA)
    altered[-40] ^= 1
    (tmp_path / "tiny.onnx").write_bytes(bytes(altered))
    assert "SHA-256" in refusal(pack)


def test_not_onnx_at_all(tmp_path: Path) -> None:
    assert "not a whole ONNX file" in refusal(make(tmp_path, b"hello, this is a text file\n" * 20))


def test_broken_graph_with_right_hash(tmp_path: Path) -> None:
    model = onnx.load_from_string(DATA)
    model.graph.node[0].op_type = "NoSuchOperator"
    assert "onnxruntime can't load it" in refusal(make(tmp_path, model.SerializeToString()))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"outputs": {"embedding": ["n", 16]}}, "output 'embedding' has shape [1, 8]"),
        ({"outputs": {"vector": ["n", 8]}}, "its outputs are ['embedding']"),
        ({"input": {"name": "picture", "shape": ["n", 3, 112, 112]}}, "its inputs are ['image']"),
        ({"input": {"name": "image", "shape": ["n", 3, 96, 96]}}, "input 'image' has shape"),
        ({"opset": 16}, "opset 17, the manifest promises 16"),
    ],
)
def test_wrong_shape_name_or_opset(tmp_path: Path, changes: dict[str, Any], expected: str) -> None:
    assert expected in refusal(make(tmp_path, **changes))


def test_too_new_opset(tmp_path: Path) -> None:
    data = embedder_bytes(opset=21)
    assert "opset 21" in refusal(make(tmp_path, data, opset=19))


def test_link_out_of_the_folder(tmp_path: Path) -> None:
    pack = make(tmp_path / "pack")
    (tmp_path / "elsewhere").write_bytes(DATA)
    (tmp_path / "pack" / "tiny.onnx").unlink()
    (tmp_path / "pack" / "tiny.onnx").symlink_to(tmp_path / "elsewhere")
    assert "leads out of the model folder" in refusal(pack)


@pytest.mark.parametrize(
    "file", ["../tiny.onnx", "/etc/tiny.onnx", "a/tiny.onnx", ".tiny.onnx", "tiny.txt", "a\\b.onnx"]
)
def test_file_names_that_are_paths_are_refused(tmp_path: Path, file: str) -> None:
    write_pack(tmp_path, [(entry("tiny", "embed", DATA), DATA)])
    manifest = json.loads((tmp_path / "manifest.json").read_text("utf-8"))
    manifest["models"][0]["file"] = file
    (tmp_path / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    with pytest.raises(ModelError, match=re.escape("models.0.file")):
        Pack.open(tmp_path)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{", "can't be read as JSON"),
        ("[]", "(whole file)"),
        ('{"version": 2, "models": []}', "version"),
        ('{"version": 1, "models": [], "more": 1}', "more"),
    ],
)
def test_broken_manifest(tmp_path: Path, text: str, expected: str) -> None:
    (tmp_path / "manifest.json").write_text(text, "utf-8")
    with pytest.raises(ModelError, match=re.escape(expected)):
        Pack.open(tmp_path)


def test_missing_manifest_names_the_setting(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="models_dir"):
        Pack.open(tmp_path)


def test_two_defaults_of_one_task_are_refused(tmp_path: Path) -> None:
    models = [(entry(name, "embed", DATA), DATA) for name in ("one", "two")]
    with pytest.raises(ModelError, match="share the default"):
        Pack.open(write_pack(tmp_path, models))


def test_find_names_what_there_is(tmp_path: Path) -> None:
    pack = make(tmp_path)
    with pytest.raises(ModelError, match="there are: tiny"):
        pack.find("embed", "huge")
    with pytest.raises(ModelError, match="there are: none"):
        pack.find("detect")


def test_verify_reports_every_model(tmp_path: Path) -> None:
    detector = detector_bytes()
    pack = Pack.open(
        write_pack(tmp_path, [(entry("tiny", "embed", DATA), DATA), (entry("red", "detect", detector), detector)])
    )
    assert [(r.entry.name, r.ok, r.provider) for r in pack.verify(RUNTIME)] == [
        ("tiny", True, "CPUExecutionProvider"),
        ("red", True, "CPUExecutionProvider"),
    ]
    (tmp_path / "tiny.onnx").write_bytes(b"")
    bad, good = pack.verify(RUNTIME)
    assert not bad.ok
    assert "empty" in (bad.problem or "")
    assert good.ok


def test_run_with_a_wrong_shape_says_what_it_takes(tmp_path: Path) -> None:
    pack = make(tmp_path)
    session = pack.load(pack.find("embed"), RUNTIME)
    with pytest.raises(ModelError, match="112"):
        session.run(np.zeros((1, 3, 50, 50), np.float32))


def test_file_outside_any_pack_says_so(tmp_path: Path) -> None:
    (tmp_path / "own.onnx").write_bytes(DATA)
    session = load_file(tmp_path / "own.onnx", "embed", RUNTIME)
    assert (session.describe()["source"], session.precision) == ("file", "unknown")
    with pytest.raises(ModelError, match="no such model file"):
        load_file(tmp_path / "none.onnx", "embed", RUNTIME)


def test_provider_choice() -> None:
    cpu, cuda, tensorrt = "CPUExecutionProvider", "CUDAExecutionProvider", "TensorrtExecutionProvider"
    assert choose_providers("auto", [cpu]) == [cpu]
    assert choose_providers("auto", [cpu, cuda, tensorrt, "AzureExecutionProvider"]) == [tensorrt, cuda, cpu]
    assert choose_providers("cuda", [tensorrt, cuda, cpu]) == [cuda, cpu]
    assert choose_providers("CPUExecutionProvider", [cuda, cpu]) == [cpu]
    with pytest.raises(ConfigError, match="CPUExecutionProvider"):
        choose_providers("cuda", [cpu])


def test_tensor_order_and_scale() -> None:
    image = np.zeros((2, 4, 5, 3), np.uint8)
    image[..., 0], image[..., 1], image[..., 2] = 10, 20, 30
    plain = InputSpec().tensor(image)
    assert plain.shape == (2, 3, 4, 5)
    assert plain[0, :, 0, 0].tolist() == [10, 20, 30]
    scaled = InputSpec(color="RGB", mean=(30, 0, 5), std=(1, 10, 5)).tensor(image)
    np.testing.assert_allclose(scaled[1, :, 3, 4], [0, 2, 1], atol=1e-6)


@pytest.mark.parametrize(("opset", "domains"), [(11, []), (19, [("com.microsoft", 1)]), (13, [("ai.onnx.ml", 3)])])
def test_header_agrees_with_the_onnx_package(opset: int, domains: list[tuple[str, int]]) -> None:
    model = onnx.load_from_string(embedder_bytes(opset=opset))
    model.opset_import.extend(helper.make_opsetid(domain, version) for domain, version in domains)
    header = read_header(model.SerializeToString())
    assert (header.opset, header.ir_version) == (opset, model.ir_version)
    assert header.opsets == {o.domain: o.version for o in model.opset_import}


@given(cut=st.integers(0, len(DATA) - 1))
def test_header_of_a_cut_file_never_crashes(cut: int) -> None:
    with contextlib.suppress(ValueError):
        assert read_header(DATA[:cut]).opset == 17


@given(data=st.binary(max_size=200))
def test_header_of_noise_never_crashes(data: bytes) -> None:
    with contextlib.suppress(ValueError):
        read_header(data)


def test_shipped_pack_is_whole() -> None:
    if not (PACKAGED_MODELS / "manifest.json").is_file():
        pytest.skip("no shipped model pack in this checkout: models/quantized/manifest.json")
    results = Pack.open(PACKAGED_MODELS).verify(RUNTIME)
    assert results
    assert [r.problem for r in results if not r.ok] == []
    assert {r.entry.task for r in results if r.entry.default} >= {"detect", "embed"}
    assert all(r.entry.bytes < 3.9 * 1024 * 1024 for r in results)


def test_luma_has_one_channel_and_colors_have_three() -> None:
    assert InputSpec(color="Y", shape=(1, 1, "h", "w")).channels == 1
    for color, shape in (("Y", (1, 3, "h", "w")), ("BGR", (1, 1, "h", "w"))):
        with pytest.raises(ValueError, match="shape must be N"):
            InputSpec(color=color, shape=shape)  # type: ignore[arg-type]


def test_a_chosen_provider_is_the_one_that_runs() -> None:
    cpu, cuda = "CPUExecutionProvider", "CUDAExecutionProvider"
    check_provider("m.onnx", "auto", [cuda, cpu], [cpu])
    check_provider("m.onnx", "cuda", [cuda, cpu], [cuda, cpu])
    with pytest.raises(ModelError, match=r"chosen, but onnxruntime runs it on CPU.*edge probe"):
        check_provider("m.onnx", "cuda", [cuda, cpu], [cpu])


def test_a_pack_behind_a_link_stays_the_one_that_was_opened(tmp_path: Path) -> None:
    data = embedder_bytes()
    first = write_pack(tmp_path / "first", [(entry("tiny", "embed", data), data)])
    other = embedder_bytes(seed=1)
    second = write_pack(tmp_path / "second", [(entry("tiny", "embed", other), other)])
    link = tmp_path / "current"
    link.symlink_to(first)
    pack = Pack.open(link)
    link.unlink()
    link.symlink_to(second)
    assert pack.load(pack.find("embed"), RuntimeConfig()).sha256 == hashlib.sha256(data).hexdigest()
