"""Initial weights for a training from one of our own shipped int8 files, where its fp32 checkpoint is lost.

Only files of our own pack are read. The int8 weights are exact to their rounding; batch norm, which quantization folded
away, is put back so that training and inference begin with the same function.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import numpy_helper
from torch import nn

from tools.train.nets.face_nets import Detector, Recogniser, Residual
from tools.train.nets.picture_nets import Unfolded

Layer = tuple[NDArray[np.float32], NDArray[np.float32]]


def dequantized(file: Path) -> dict[str, Layer]:
    """(weight, bias) f32 of each convolution and matrix product with a bias, by the name of its PyTorch module."""
    graph = onnx.load(str(file)).graph
    values = {one.name: numpy_helper.to_array(one) for one in graph.initializer}
    makers = {node.output[0]: node for node in graph.node}

    def value(name: str) -> NDArray[np.float32]:
        if name in values:
            return np.array(values[name], dtype=np.float32)
        node = makers[name]  # DequantizeLinear, Cast of what is stored as f16, or Identity of what is stored once
        if node.op_type in {"Cast", "Identity"}:
            return value(node.input[0])
        codes, scale = values[node.input[0]].astype(np.float32), values[node.input[1]]
        zero = values[node.input[2]].astype(np.float32)
        shape = [-1] + [1] * (codes.ndim - 1) if np.ndim(scale) else []
        return np.array((codes - zero.reshape(shape)) * scale.reshape(shape), dtype=np.float32)

    layers = [node for node in graph.node if node.op_type in {"Conv", "Gemm"} and len(node.input) == 3]
    return {_module_name(node.name): (value(node.input[1]), value(node.input[2])) for node in layers}


def _module_name(node: str) -> str:
    """`/model/body/body.2/first/first.0/Conv` -> `body.2.first.0`: each part is repeated with its index."""
    parts = node.strip("/").removeprefix("model/").split("/")[:-1]
    following = [*parts, ""][1:]
    return ".".join(part for part, after in zip(parts, following, strict=True) if not after.startswith(f"{part}."))


@torch.no_grad()
def _set_layer(module: nn.Module, layer: Layer) -> None:
    """Copy a layer's weight, and its bias where the module has one."""
    assert isinstance(module, (nn.Conv2d, nn.Linear))
    module.weight.copy_(torch.from_numpy(layer[0]))
    if module.bias is not None:
        module.bias.copy_(torch.from_numpy(layer[1]))


def load_recogniser(model: Recogniser, file: Path) -> None:
    """Copy a shipped embedder into `model`, with the scale that its export folded into the first convolution."""
    layers, modules = dequantized(file), dict(model.named_modules())
    wanted = {name for name, module in modules.items() if isinstance(module, (nn.Conv2d, nn.Linear))}
    if wanted != set(layers):
        raise ValueError(f"{file}: not an embedder of this kind; its layers are {sorted(layers)}")
    for name, layer in layers.items():
        _set_layer(modules[name], layer)
    modules[next(iter(layers))].weight.data.div_(model.scale.factor)


def load(model: Detector, file: Path, examples: torch.Tensor) -> None:
    """Copy a shipped detector into `model`, which may have more blocks in a stage: those begin as identities.

    `examples` is (N, 3, H, W) f32 0..255, some dozens of typical inputs, for the statistics of batch norm.
    """
    layers, modules = dequantized(file), dict(model.named_modules())
    first = next(module for module in modules.values() if isinstance(module, nn.Conv2d))
    fresh = [m for name, m in modules.items() if isinstance(m, Residual) and f"{name}.second" not in layers]
    norms: dict[nn.Conv2d, nn.BatchNorm2d] = {}
    with torch.no_grad():
        for name, (weight, bias) in layers.items():
            module = modules[name]
            _set_layer(module, (weight, bias))
            if module.bias is not None:
                continue
            norm = _norm_of(name, modules)
            assert isinstance(module, nn.Conv2d)
            norms[module] = norm
            _set_norm(norm, mean=torch.zeros(len(bias)), var=torch.full((len(bias),), 1 - norm.eps))
            norm.weight.fill_(1.0)
            norm.bias.copy_(torch.from_numpy(bias))
        first.weight.div_(model.scale.factor)
        for block in fresh:
            block.norm.weight.zero_()
    _restore_norms(model, norms, fresh, examples)


def load_picture_net(net: Unfolded, file: Path) -> None:
    """Copy a shipped picture net into `net`, with the scales that its export folded into its outer convolutions."""
    layers, modules = dequantized(file), dict(net.named_modules())
    with torch.no_grad():
        for name, module in modules.items():
            if not isinstance(module, nn.Conv2d):
                continue
            weight, bias = (torch.from_numpy(part) for part in layers[name])
            assert module.bias is not None
            factor = net.gain.factor if module is net.last else 1.0
            module.weight.copy_(weight / (net.scale.factor if module is net.first else factor))
            module.bias.copy_(bias / factor)


def _norm_of(name: str, modules: dict[str, nn.Module]) -> nn.BatchNorm2d:
    """The batch norm behind a convolution, as `Conv` and `Residual` name it."""
    before, _, last = name.rpartition(".")
    other = {"0": f"{before}.1", "second": f"{before}.norm"}[last]
    norm = modules[other]
    assert isinstance(norm, nn.BatchNorm2d)
    return norm


def _set_norm(norm: nn.BatchNorm2d, mean: torch.Tensor, var: torch.Tensor) -> None:
    assert norm.running_mean is not None
    assert norm.running_var is not None
    norm.running_mean.copy_(mean)
    norm.running_var.copy_(var)


def _restore_norms(
    model: nn.Module, norms: dict[nn.Conv2d, nn.BatchNorm2d], fresh: list[Residual], examples: torch.Tensor
) -> None:
    """Measure what each convolution gives; its norm undoes and redoes that, so the function stays."""
    seen: dict[nn.Module, tuple[torch.Tensor, torch.Tensor]] = {}

    def watch(module: nn.Module, inputs: tuple[Any, ...]) -> None:
        seen.setdefault(module, (inputs[0].mean((0, 2, 3)), inputs[0].var((0, 2, 3))))

    of_fresh = [norm for block in fresh for norm in (block.first[1], block.norm)]
    hooks = [norm.register_forward_pre_hook(watch) for norm in [*norms.values(), *of_fresh]]
    model.eval()
    with torch.no_grad():
        model(examples)
        for hook in hooks:
            hook.remove()
        for conv, norm in norms.items():
            mean, var = seen[norm]
            # Weights of the size a fresh net would have keep the learning rate meaningful; the norm divides it out.
            gain = (2 / conv.weight[0].numel()) ** 0.5 / conv.weight.flatten(1).std(1).clamp_min(1e-8)
            conv.weight.mul_(gain.reshape(-1, 1, 1, 1))
            norm.weight.copy_((var + norm.eps / gain**2).sqrt())
            norm.bias.add_(mean)
            _set_norm(norm, mean * gain, var * gain**2)
        for norm in of_fresh:
            assert isinstance(norm, nn.BatchNorm2d)
            _set_norm(norm, *seen[norm])
    model.train()
