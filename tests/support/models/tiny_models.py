"""Real ONNX models of a few nodes, and packs made of them, for tests that need a model but no training."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

STRIDES = (8, 16, 32)
HEADS = {"cls": 1, "obj": 1, "bbox": 4, "kps": 10}


def embedder_bytes(
    dim: int = 8, *, opset: int = 17, batch: int | str = "n", side: int | str = 112, seed: int = 0
) -> bytes:
    """Mean color of the four quarters of a picture, times a random matrix: (n, dim)."""
    matrix = np.random.default_rng(seed).normal(size=(12, dim)).astype(np.float32)
    nodes = [
        helper.make_node("AveragePool", ["image"], ["quarters"], kernel_shape=[56, 56], strides=[56, 56]),
        helper.make_node("Flatten", ["quarters"], ["flat"]),
        helper.make_node("MatMul", ["flat", "matrix"], ["embedding"]),
    ]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [batch, 3, side, side])],
        [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, [batch, dim])],
        [numpy_helper.from_array(matrix, "matrix")],
    )
    return _bytes(graph, opset)


def detector_bytes(*, with_obj: bool = False, side: int | str = "side") -> bytes:
    """A YuNet-format detector: a cell scores how red it is, its box is the cell, its landmarks lie in the middle."""
    height, width = ("height", "width") if side == "side" else (side, side)
    nodes, outputs, constants = [], [], [numpy_helper.from_array(np.array([1, -1, 1], np.int64), "row")]
    weight = np.zeros((1, 3, 1, 1), np.float32)
    weight[0, :, 0, 0] = (-1 / 255, -1 / 255, 1 / 255)  # BGR
    constants.append(numpy_helper.from_array(weight, "red"))
    nodes.append(helper.make_node("Conv", ["image", "red"], ["redness"]))
    for s in STRIDES:
        nodes.append(helper.make_node("AveragePool", ["redness"], [f"mean_{s}"], kernel_shape=[s, s], strides=[s, s]))
        nodes.append(helper.make_node("Clip", [f"mean_{s}", "zero", "one"], [f"clip_{s}"]))
        nodes.append(helper.make_node("Reshape", [f"clip_{s}", "row"], [f"cls_{s}"]))
        if with_obj:
            nodes.append(helper.make_node("Identity", [f"cls_{s}"], [f"obj_{s}"]))
        for head, value in (("bbox", (0.5, 0.5, 0.0, 0.0)), ("kps", (0.5,) * 10)):
            constants.append(
                numpy_helper.from_array(np.array(value, np.float32).reshape(1, 1, -1), f"{head}_value_{s}")
            )
            nodes.append(helper.make_node("Mul", [f"cls_{s}", "nothing"], [f"{head}_zero_{s}"]))
            nodes.append(helper.make_node("Add", [f"{head}_zero_{s}", f"{head}_value_{s}"], [f"{head}_{s}"]))
        heads = HEADS if with_obj else {h: n for h, n in HEADS.items() if h != "obj"}
        for head, size in heads.items():
            outputs.append(helper.make_tensor_value_info(f"{head}_{s}", TensorProto.FLOAT, [1, f"cells_{s}", size]))
    for name, number in (("zero", 0.0), ("one", 1.0), ("nothing", 0.0)):
        constants.append(numpy_helper.from_array(np.array(number, np.float32), name))
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, height, width])
    return _bytes(helper.make_graph(nodes, "tiny", [image], outputs, constants), 17)


def entry(name: str, task: str, data: bytes, **changes: Any) -> dict[str, Any]:
    """A manifest entry that tells the truth about `data`, except for `changes`."""
    outputs = {"embedding": ["n", 8]}
    if task == "detect":
        outputs = {f"{h}_{s}": [1, f"cells_{s}", n] for s in STRIDES for h, n in HEADS.items() if h != "obj"}
    shape = [1, 3, "h", "w"] if task == "detect" else ["n", 3, 112, 112]
    told = {
        "name": name,
        "task": task,
        "file": f"{name}.onnx",
        "sha256": hashlib.sha256(data).hexdigest(),
        "bytes": len(data),
        "precision": "fp32",
        "opset": 17,
        "input": {"name": "image", "shape": shape, "color": "BGR", "mean": [0, 0, 0], "std": [1, 1, 1]},
        "outputs": outputs,
        "default": True,
        "licence": "CC0-1.0",
    }
    return {**told, **changes}


def write_pack(folder: Path, models: list[tuple[dict[str, Any], bytes]]) -> Path:
    """A models_dir with a manifest and its files."""
    folder.mkdir(parents=True, exist_ok=True)
    for told, data in models:
        (folder / told["file"]).write_bytes(data)
    manifest = {"version": 1, "models": [told for told, _ in models]}
    (folder / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    return folder


def _bytes(graph: onnx.GraphProto, opset: int) -> bytes:
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())
