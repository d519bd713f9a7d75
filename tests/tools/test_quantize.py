"""The int8 recipe: what it writes, how close it stays, what it refuses."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

onnx = pytest.importorskip("onnx", reason="needs the train or dev extra: onnx is not installed")
pytest.importorskip("sympy", reason="needs the train or dev extra: sympy is not installed")

import onnxruntime as ort  # noqa: E402
from onnx import TensorProto, helper, numpy_helper  # noqa: E402

from tools import quantize, reduced_range  # noqa: E402


def tiny(path: Path, *, opset: int = 17, ir_version: int = 10) -> None:
    """Convolution, batch norm, ReLU and a head, with random weights."""
    rng = np.random.default_rng(0)
    weights = {
        "w": rng.normal(0, 0.01, (8, 3, 3, 3)),
        "scale": rng.uniform(0.5, 1.5, 8),
        "bias": rng.normal(0, 0.5, 8),
        "mean": rng.normal(0, 0.5, 8),
        "var": rng.uniform(0.5, 1.5, 8),
        "head_w": rng.normal(0, 0.3, (4, 8, 1, 1)),
    }
    nodes = [
        helper.make_node("Conv", ["image", "w"], ["a"], name="conv", kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
        helper.make_node("BatchNormalization", ["a", "scale", "bias", "mean", "var"], ["b"], name="norm"),
        helper.make_node("Relu", ["b"], ["c"], name="relu"),
        helper.make_node("Conv", ["c", "head_w"], ["out"], name="head", kernel_shape=[1, 1]),
    ]
    shape = [1, 3, "h", "w_px"]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("out", TensorProto.FLOAT, [1, 4, "h", "w_px"])],
        [numpy_helper.from_array(value.astype(np.float32), name) for name, value in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=ir_version)
    onnx.save(model, str(path))


def pictures(number: int) -> list[np.ndarray]:
    rng = np.random.default_rng(1)
    return [rng.uniform(0, 255, (1, 3, 32, 32)).astype(np.float32) for _ in range(number)]


def run(path: Path, image: np.ndarray, *, is_exact: bool = False) -> np.ndarray:
    """The answer on the CPU; `is_exact`: without graph optimisations, so no int8 kernel is used."""
    options = ort.SessionOptions()
    if is_exact:
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"]).run(None, {"image": image})[0]


def test_int8_stays_close_and_follows_the_recipe(tmp_path: Path) -> None:
    source, target = tmp_path / "fp32.onnx", tmp_path / "int8.onnx"
    tiny(source)
    quantize.quantize(source, target, pictures(8), exclude=["head"])
    for image in pictures(3):
        wanted = run(source, image)
        assert np.abs(run(target, image) - wanted).mean() < 0.02 * wanted.std()
    graph = onnx.load(str(target)).graph
    assert not [node for node in graph.node if node.op_type == "BatchNormalization"]
    tensors = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    weights = [node for node in graph.node if node.op_type == "DequantizeLinear" and node.input[0] in tensors]
    kernel = next(node for node in weights if tensors[node.input[0]].ndim == 4)
    assert tensors[kernel.input[0]].dtype == np.int8
    assert tensors[kernel.input[1]].shape == (8,)
    activations = [node for node in graph.node if node.op_type == "QuantizeLinear"]
    assert activations
    assert all(tensors[node.input[2]].dtype == np.uint8 for node in activations)
    head = next(node for node in graph.node if node.name == "head")
    assert tensors[head.input[1]].dtype == np.float32


def test_check_lowers_the_ir_version_and_refuses_a_new_opset(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    tiny(path, ir_version=11)
    assert quantize.check(path) == (17, 10)
    assert onnx.load(str(path)).ir_version == 10
    tiny(path, opset=20)
    with pytest.raises(ValueError, match="opset 20"):
        quantize.check(path)


def test_percentile_clips_an_outlier(tmp_path: Path) -> None:
    source, target = tmp_path / "fp32.onnx", tmp_path / "int8.onnx"
    tiny(source)
    quantize.quantize(source, target, pictures(4), percentile=99.9)
    assert run(target, pictures(1)[0]).shape == (1, 4, 32, 32)


def test_weights_stored_as_fp16_change_little_and_the_layer_stays_fp32(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    tiny(path)
    (image,) = pictures(1)
    before, size = run(path, image), path.stat().st_size
    quantize.compress(path, ["head"])
    model = onnx.load(str(path))
    assert "head_w" not in {tensor.name for tensor in model.graph.initializer}
    after = run(path, image)
    assert 0 < np.abs(after - before).max() < 0.001 * np.abs(before).max()
    assert path.stat().st_size < size + 400


def test_quantized_weights_have_seven_bits(tmp_path: Path) -> None:
    source, target = tmp_path / "fp32.onnx", tmp_path / "int8.onnx"
    tiny(source)
    quantize.quantize(source, target, pictures(4))
    model = onnx.load(str(target))
    assert reduced_range.weights_outside(model) == {}
    codes = [t for t in model.graph.initializer if t.data_type == TensorProto.INT8 and len(t.dims) == 4]
    assert [np.abs(numpy_helper.to_array(one)).max() for one in codes] == [64, 64], "all of the range is used"


def with_wide_weights(path: Path) -> None:
    """Turn a quantized file into one as it would be with eight bits: codes doubled, scales halved, biases doubled."""
    model = onnx.load(str(path))
    stored = {tensor.name: tensor for tensor in model.graph.initializer}
    for node in model.graph.node:
        if node.op_type != "DequantizeLinear" or node.input[0] not in stored:
            continue
        codes, scale = (numpy_helper.to_array(stored[name]) for name in node.input[:2])
        wide = np.clip(codes.astype(np.int64) * 2, -127, 127 if codes.dtype == np.int8 else 2**31 - 1)
        stored[node.input[0]].CopyFrom(numpy_helper.from_array(wide.astype(codes.dtype), node.input[0]))
        stored[node.input[1]].CopyFrom(numpy_helper.from_array(scale / np.float32(2), node.input[1]))
    onnx.save(model, str(path))


def test_a_file_with_wide_weights_is_refused_and_can_be_halved(tmp_path: Path) -> None:
    source, target = tmp_path / "fp32.onnx", tmp_path / "int8.onnx"
    tiny(source)
    quantize.quantize(source, target, pictures(8))
    with_wide_weights(target)
    before = run(target, pictures(1)[0], is_exact=True)  # the kernels of a processor without VNNI would saturate
    with pytest.raises(ValueError, match=r"int8\.onnx: .* weights leave \[-64, 64\].*--halve int8\.onnx"):
        quantize.check(target)
    assert reduced_range.halve(target) > 0
    quantize.check(target)
    assert np.abs(run(target, pictures(1)[0]) - before).mean() < 0.02 * before.std()
    assert reduced_range.halve(target) == 0, "what fits is left alone"


def test_halving_turns_int8_weights_of_fp32_layers_into_fp16(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    tiny(path)
    model = onnx.load(str(path))
    stored = {tensor.name: tensor for tensor in model.graph.initializer}
    weights = numpy_helper.to_array(stored["head_w"])
    scale = (np.abs(weights).reshape(4, -1).max(1) / 127).astype(np.float32)
    codes = np.rint(weights / scale[:, None, None, None]).astype(np.int8)
    parts = {"codes": codes, "head_scale": scale, "zero": np.zeros(4, np.int8)}
    model.graph.initializer.extend(numpy_helper.from_array(part, name) for name, part in parts.items())
    model.graph.initializer.remove(stored["head_w"])
    model.graph.node.insert(0, helper.make_node("DequantizeLinear", list(parts), ["head_w"], axis=0))
    onnx.save(model, str(path))
    before = run(path, pictures(1)[0])
    assert reduced_range.halve(path) == 0
    quantize.check(path)
    np.testing.assert_allclose(run(path, pictures(1)[0]), before, rtol=0, atol=0.001 * np.abs(before).max())
