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


class TorchTeacher(nn.Module):
    """(N, 3, 112, 112) RGB 0..255 -> (N, 128) of unit length, and the map at the end of each block; never trained."""

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
        self._ends = self._block_ends()
        self.eval().requires_grad_(False)

    def _keep(self, name: str, tensor: onnx.TensorProto) -> None:
        self._buffer_of[name] = f"value_{len(self._buffer_of)}"
        self.register_buffer(self._buffer_of[name], torch.from_numpy(numpy_helper.to_array(tensor).copy()))

    def _block_ends(self) -> list[str]:
        """What a widening 1 x 1 convolution reads ends a block, and so does what the pooling over 7 x 7 reads."""
        ends = []
        for node in self._nodes:
            if node.op_type == "Conv":
                outputs, inputs, size, _ = getattr(self, self._buffer_of[node.input[1]]).shape
                if (size == 1 and outputs > inputs) or size == 7:
                    ends.append(node.input[0])
        return ends

    @torch.no_grad()
    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, list[torch.Tensor]]:
        values = {self._input: image}
        for node, attributes in zip(self._nodes, self._attributes, strict=True):
            given = [values[name] if name in values else getattr(self, self._buffer_of[name]) for name in node.input]
            values[node.output[0]] = _run(node.op_type, given, attributes)
        return functional.normalize(values[self._output].float()), [values[name] for name in self._ends]


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
