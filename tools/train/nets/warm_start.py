"""Initial weights for a training from one of our own shipped int8 files, where its fp32 checkpoint is lost.

Only files of our own pack are read. The int8 weights are exact to their rounding; batch norm, which quantization folded
away, is put back so that training and inference begin with the same function.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import numpy_helper
from torch import nn

from tools.train.nets.face_nets import Conv, Recogniser, Residual


def dequantized(file: Path) -> list[tuple[NDArray[np.float32], NDArray[np.float32]]]:
    """(weight, bias) f32 of each convolution and of the last layer, in the order of the graph."""
    graph = onnx.load(str(file)).graph
    values = {one.name: numpy_helper.to_array(one) for one in graph.initializer}
    makers = {node.output[0]: node for node in graph.node}

    def value(name: str) -> NDArray[np.float32]:
        if name in values:
            return np.array(values[name], dtype=np.float32)
        node = makers[name]  # DequantizeLinear
        codes, scale = values[node.input[0]].astype(np.float32), values[node.input[1]]
        zero = values[node.input[2]].astype(np.float32)
        shape = [-1] + [1] * (codes.ndim - 1) if np.ndim(scale) else []
        return np.asarray((codes - zero.reshape(shape)) * scale.reshape(shape), dtype=np.float32)

    return [(value(n.input[1]), value(n.input[2])) for n in graph.node if n.op_type in {"Conv", "Gemm"}]


def load_recogniser(model: Recogniser, file: Path, examples: torch.Tensor) -> None:
    """Copy a shipped recogniser into `model`, which may have more blocks in a stage: those begin as identities.

    `examples` is (N, 3, 112, 112) f32 RGB 0..255, some dozens of typical crops, for the statistics of batch norm.
    """
    layers = iter(dequantized(file))
    fresh: list[Residual] = []
    pairs: list[tuple[nn.Conv2d, nn.BatchNorm2d, NDArray[np.float32], NDArray[np.float32]]] = []

    def take(conv: nn.Module, norm: nn.Module, factor: float = 1.0) -> None:
        assert isinstance(conv, nn.Conv2d)
        assert isinstance(norm, nn.BatchNorm2d)
        weight, bias = next(layers)
        pairs.append((conv, norm, weight * np.float32(factor), bias))

    stage_blocks, width = 0, 0
    shipped = _blocks_of(file)
    for k, layer in enumerate(model.body):
        if isinstance(layer, Conv):
            take(layer[0], layer[1], 1 / model.scale.factor if k == 0 else 1.0)
            width, stage_blocks = layer[1].num_features, 0
        elif isinstance(layer, Residual):
            stage_blocks += 1
            if stage_blocks > shipped.get(width, 0):
                fresh.append(layer)
            else:
                take(layer.first[0], layer.first[1])
                take(layer.second, layer.norm)
    take(model.wide[0], model.wide[1])
    take(model.pool, model.pool_norm)
    weight, bias = next(layers)
    with torch.no_grad():
        model.out.weight.copy_(torch.from_numpy(weight))
        model.out.bias.copy_(torch.from_numpy(bias))
        for block in fresh:
            block.norm.weight.zero_()
        for conv, norm, weight, bias in pairs:
            conv.weight.copy_(torch.from_numpy(weight))
            norm.running_mean.zero_()
            norm.running_var.fill_(1 - norm.eps)
            norm.weight.fill_(1.0)
            norm.bias.copy_(torch.from_numpy(bias))
    _restore_norms(model, [(conv, norm) for conv, norm, _, _ in pairs], fresh, examples)


def _blocks_of(file: Path) -> dict[int, int]:
    """Channels of a stage -> number of residual blocks in the file: each ends in a sum of two maps."""
    graph = onnx.load(str(file)).graph
    sizes = {one.name: numpy_helper.to_array(one).shape for one in graph.initializer}
    makers = {node.output[0]: node for node in graph.node}
    blocks: dict[int, int] = {}
    for node in graph.node:
        if node.op_type == "Add":
            conv = node
            while conv.op_type != "Conv":
                conv = makers[conv.input[1] if conv.op_type == "Add" else conv.input[0]]
            width = sizes[makers[conv.input[1]].input[0]][0]
            blocks[width] = blocks.get(width, 0) + 1
    return blocks


def _restore_norms(
    model: nn.Module, pairs: Iterable[tuple[nn.Conv2d, nn.BatchNorm2d]], fresh: list[Residual], examples: torch.Tensor
) -> None:
    """Measure what each convolution gives; its norm undoes and redoes that, so the function stays."""
    seen: dict[nn.Module, tuple[torch.Tensor, torch.Tensor]] = {}

    def watch(module: nn.Module, inputs: tuple[Any, ...]) -> None:
        seen[module] = (inputs[0].mean((0, 2, 3)), inputs[0].var((0, 2, 3)))

    norms = [norm for _, norm in pairs] + [n for block in fresh for n in (block.first[1], block.norm)]
    hooks = [norm.register_forward_pre_hook(watch) for norm in norms]
    model.eval()
    with torch.no_grad():
        model(examples)
        for hook in hooks:
            hook.remove()
        for conv, norm in pairs:
            mean, var = seen[norm]
            # Weights of the size a fresh net would have keep the learning rate meaningful; the norm divides it out.
            gain = (2 / conv.weight[0].numel()) ** 0.5 / conv.weight.flatten(1).std(1).clamp_min(1e-8)
            conv.weight.mul_(gain.reshape(-1, 1, 1, 1))
            norm.weight.copy_((var + norm.eps / gain**2).sqrt())
            norm.bias.add_(mean)
            norm.running_mean.copy_(mean * gain)
            norm.running_var.copy_(var * gain**2)
        for block in fresh:
            for norm in (block.first[1], block.norm):
                mean, var = seen[norm]
                norm.running_mean.copy_(mean)
                norm.running_var.copy_(var)
    model.train()
