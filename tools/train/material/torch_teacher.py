"""The degraded-face teacher as a torch module, read from its ONNX file: it runs wherever torch runs, in batches.

Only the operations of that file are known. What it gives is compared with onnxruntime's answers in the tests.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import onnx
import torch
from onnx import numpy_helper
from torch import nn
from torch.nn import functional

from tools.train import paths
from tools.train.material.teachers import StageTeacher


class TorchTeacher(nn.Module):
    """(N, 3, 112, 112) RGB 0..255 -> (N, 128) of unit length, and the maps of `StageTeacher.STAGES`; never trained."""

    def __init__(self, file: Path = paths.DEGRADED_TEACHER) -> None:
        super().__init__()
        graph = onnx.load(str(file)).graph
        self._nodes = [node for node in graph.node if node.op_type != "Constant"]
        self._attributes = [
            {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute} for node in self._nodes
        ]
        self._buffer_of: dict[str, str] = {}
        for tensor in graph.initializer:
            self._keep(tensor.name, tensor)
        for node in graph.node:
            if node.op_type == "Constant":
                self._keep(node.output[0], node.attribute[0].t)
        self._input, self._output = graph.input[0].name, graph.output[0].name
        self.eval().requires_grad_(False)

    def _keep(self, name: str, tensor: onnx.TensorProto) -> None:
        self._buffer_of[name] = f"value_{len(self._buffer_of)}"
        self.register_buffer(self._buffer_of[name], torch.from_numpy(numpy_helper.to_array(tensor).copy()))

    @torch.no_grad()
    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, list[torch.Tensor]]:
        values = {self._input: image}
        stages: dict[tuple[int, int], torch.Tensor] = {}
        for node, attributes in zip(self._nodes, self._attributes, strict=True):
            given = [values[name] if name in values else getattr(self, self._buffer_of[name]) for name in node.input]
            out = _run(node.op_type, given, attributes)
            values[node.output[0]] = out
            if out.ndim == 4:
                stages[(out.shape[1], out.shape[2])] = out  # the last of its size: the stage's answer
        vector = functional.normalize(values[self._output].float())
        return vector, [stages[size] for size in StageTeacher.STAGES]


def _run(kind: str, given: list[torch.Tensor], attributes: dict[str, Any]) -> torch.Tensor:
    if kind == "Conv":
        padding = attributes["pads"][:2]
        return functional.conv2d(*given, stride=attributes["strides"], padding=padding, groups=attributes["group"])
    if kind == "Clip":
        return given[0].clamp(float(given[1]), float(given[2]))
    if kind == "Flatten":
        return given[0].flatten(attributes["axis"])
    simple = {"Add": torch.add, "Sub": torch.sub, "Div": torch.div, "Relu": functional.relu}
    if kind not in simple:
        raise ValueError(f"{kind}: an operation that the teacher's file had not; add it to torch_teacher")
    return simple[kind](*given)
