"""The int8 recipe: what it writes, how close it stays, what it refuses."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

onnx = pytest.importorskip("onnx", reason="needs the train or dev extra: onnx is not installed")
pytest.importorskip("sympy", reason="needs the train or dev extra: sympy is not installed")

import onnxruntime as ort  # noqa: E402
from onnx import TensorProto, helper, numpy_helper  # noqa: E402

from tools import quantize  # noqa: E402


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


def run(path: Path, image: np.ndarray) -> np.ndarray:
    return ort.InferenceSession(str(path), providers=["CPUExecutionProvider"]).run(None, {"image": image})[0]


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


def test_weights_stored_as_int8_change_little_and_the_layer_stays_fp32(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    tiny(path)
    (image,) = pictures(1)
    before, size = run(path, image), path.stat().st_size
    quantize.compress(path, ["head"])
    model = onnx.load(str(path))
    assert "head_w" not in {tensor.name for tensor in model.graph.initializer}
    after = run(path, image)
    assert 0 < np.abs(after - before).max() < 0.02 * np.abs(before).max()
    assert path.stat().st_size < size + 400
