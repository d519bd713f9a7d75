"""Trained networks -> fp32 ONNX with the inputs and outputs the runtime expects."""

from __future__ import annotations

import copy
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional

from tools.train.nets.face_nets import STRIDES, Conv, Detector, Recogniser, fold_scale
from tools.train.nets.picture_nets import Unfolded, fold
from tools.train.ship.whitening import Whitening

OPSET = 17
SCORE_SHIFT = 0.25
"""Added to the score logit, because the student scores lower than its teacher. Chosen on the measuring footage, so that
at .6 it fires alone on no more than one place in twenty frames of any clip."""
DETECTOR_OUTPUTS = [f"{part}_{stride}" for stride in STRIDES for part in ("cls", "bbox", "kps")]


class _DetectorGraph(nn.Module):
    """Head maps -> per stride cls (1, N, 1) in 0..1, bbox (1, N, 4), kps (1, N, 10)."""

    def __init__(self, model: Detector) -> None:
        super().__init__()
        self.model = model

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, ...]:
        outputs: list[torch.Tensor] = []
        for level in self.model(image):
            cells = level.reshape(1, 15, -1).transpose(1, 2)  # a constant shape: no Shape node in the graph
            outputs += [torch.sigmoid(cells[..., :1]), cells[..., 1:5], cells[..., 5:]]
        return tuple(outputs)


def shift_scores(model: Detector, by: float) -> None:
    """Add to the score logit of every cell."""
    with torch.no_grad():
        for head in model.heads:
            assert isinstance(head, nn.Conv2d)
            assert head.bias is not None
            head.bias[0] += by


def detector(model: Detector, path: Path) -> list[str]:
    """Write the detector, height and width dynamic; returns the nodes that must stay fp32."""
    model = copy.deepcopy(model).eval()
    first = model.stem[0]
    assert isinstance(first, Conv)
    assert isinstance(first[0], nn.Conv2d)
    fold_scale(model.scale, first[0])
    shift_scores(model, SCORE_SHIFT)
    axes = {"image": {2: "h", 3: "w"}} | {name: {1: "n" + name.split("_")[1]} for name in DETECTOR_OUTPUTS}
    _write(_DetectorGraph(model).eval(), torch.zeros(1, 3, 320, 320), path, DETECTOR_OUTPUTS, axes)
    return [*_nodes_of(path, "/stem/stem.0/"), *_nodes_after(path, "/heads")]


class _RecogniserGraph(nn.Module):
    """(N, 3, 112, 112) -> (N, 128): the sum of the directions of a crop and of its mirror image, whitened.

    The two differ by what is accidental (light from one side, a misplaced landmark), so their mean is nearer the truth:
    held-out pairs gained 1.7 points clean and 1.5 at dark:5, for twice the time.
    """

    def __init__(self, model: Recogniser, whitening: Whitening | None) -> None:
        super().__init__()
        self.model = model
        self.center = None if whitening is None else torch.from_numpy(whitening.center)
        self.matrix = None if whitening is None else torch.from_numpy(whitening.matrix)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        both = self.model(torch.cat([image, image.flip(3)]))
        found = functional.normalize(both).reshape(2, -1, both.shape[1]).sum(0)
        return found if self.center is None else (functional.normalize(found) - self.center) @ self.matrix


def recogniser(model: Recogniser, path: Path, whitening: Whitening | None = None) -> list[str]:
    """Write the recogniser, batch dynamic, mirror image included; returns the nodes that must stay fp32.

    The first block stays: in int8 it turned faces by a cosine of .995, .969 at worst; so it is .999 and .997.
    """
    model = copy.deepcopy(model).eval()
    first = next(module for module in model.modules() if isinstance(module, nn.Conv2d))
    fold_scale(model.scale, first)
    axes = {"image": {0: "n"}, "embedding": {0: "n"}}
    _write(_RecogniserGraph(model, whitening).eval(), torch.zeros(2, 3, 112, 112), path, ["embedding"], axes)
    return [*_nodes_of(path, "/blocks.0/"), *_nodes_after(path, "/out/")]


def picture(model: Unfolded, path: Path) -> list[str]:
    """Write a picture net, height and width dynamic; returns the nodes that must stay fp32.

    The first layer stays, because few channels gain nothing from int8; what is added to the picture stays exact.
    """
    model = copy.deepcopy(model).eval()
    fold(model)
    example = torch.zeros(1, 1 if model.first.in_channels in (1, 4) else 3, 64, 64)
    _write(model, example, path, ["out"], {"image": {2: "h", 3: "w"}, "out": {2: "h_out", 3: "w_out"}})
    return ["/first/Conv", *_nodes_of(path, "/skip/"), *_nodes_after(path, "/last/")]


def _write(
    model: nn.Module, example: torch.Tensor, path: Path, outputs: list[str], axes: dict[str, dict[int, str]]
) -> None:
    torch.onnx.export(
        model.to(memory_format=torch.contiguous_format),
        (example,),
        str(path),
        input_names=["image"],
        output_names=outputs,
        dynamic_axes=axes,
        opset_version=OPSET,
        dynamo=False,
    )


def _nodes_of(path: Path, part: str) -> list[str]:
    """The nodes whose names hold `part`. On three input channels an int8 convolution is slower than fp32."""
    import onnx

    return [node.name for node in onnx.load(str(path)).graph.node if part in node.name]


def _nodes_after(path: Path, part: str) -> list[str]:
    """Every node from the first whose name holds `part`: heads and what formats their outputs."""
    import onnx

    names = [node.name for node in onnx.load(str(path)).graph.node]
    heads = [i for i, name in enumerate(names) if part in name]
    layers = set(heads) | {i for i, n in enumerate(names) if n.startswith("/") and n.count("/") == 1}
    return [names[i] for i in sorted(layers) if i >= min(heads)]
