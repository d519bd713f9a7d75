"""The two networks: the embedder of inverted bottlenecks, the detector of dense 3 x 3 convolutions with ReLU.

Inputs are 0..255 as they come from a camera; the first convolution's scale does the normalising, so an exported graph
begins with the convolution itself.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

STRIDES = (8, 16, 32)


class Conv(nn.Sequential):
    """Convolution, batch norm, ReLU."""

    def __init__(self, inputs: int, outputs: int, *, stride: int = 1, size: int = 3) -> None:
        super().__init__(
            nn.Conv2d(inputs, outputs, size, stride, size // 2, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()
        )


class Residual(nn.Module):
    """Two 3 x 3 convolutions around an identity."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = Conv(width, width)
        self.second = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.norm = nn.BatchNorm2d(width)
        nn.init.constant_(self.norm.weight, 0.5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.relu(x + self.norm(self.second(self.first(x))))


class Scale(nn.Module):
    """0..255 -> 0..1; folded into the next convolution by `fold_scale` before export."""

    def __init__(self, factor: float = 1 / 255) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x if self.factor == 1.0 else x * self.factor  # a folded scale leaves no node in the graph


def fold_scale(scale: Scale, conv: nn.Conv2d) -> None:
    """Move the input scale into the convolution that follows it."""
    with torch.no_grad():
        conv.weight.mul_(scale.factor)
    scale.factor = 1.0


class Clipped(nn.Sequential):
    """Convolution with bias, then ReLU6."""

    def __init__(self, inputs: int, outputs: int, *, size: int = 1, stride: int = 1, groups: int = 1) -> None:
        super().__init__(nn.Conv2d(inputs, outputs, size, stride, size // 2, groups=groups), nn.ReLU6())


class Bottleneck(nn.Module):
    """Inverted bottleneck (Sandler et al. 2018): widen, look around in each channel, narrow without a clip."""

    def __init__(self, inputs: int, inner: int, outputs: int, *, stride: int = 1) -> None:
        super().__init__()
        self.adds = stride == 1 and inputs == outputs
        around = Clipped(inner, inner, size=3, stride=stride, groups=inner)
        self.body = nn.Sequential(Clipped(inputs, inner), around, nn.Conv2d(inner, outputs, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y: torch.Tensor = self.body(x)
        return x + y if self.adds else y


class Recogniser(nn.Module):
    """(N, 3, 112, 112) RGB 0..255 -> (N, 128) embedding, not yet of unit length; 1.4 M parameters.

    Blocks as in MobileFaceNet (Chen et al. 2018, table 1), `width` times as wide inside. No batch norm: where each
    block has its own lesson nothing needs it, and on a CPU it took 40 % of a step.
    """

    def __init__(self, width: float = 1.5) -> None:
        super().__init__()
        small, large = round(128 * width), round(256 * width)
        self.scale = Scale()
        self.blocks = nn.ModuleList(
            [
                nn.Sequential(
                    Clipped(3, 128, size=3, stride=2), Clipped(128, 128, size=3, groups=128), Clipped(128, 64)
                ),
                Bottleneck(64, small, 64, stride=2),
                *(Bottleneck(64, small, 64) for _ in range(4)),
                Bottleneck(64, large, 128, stride=2),
                *(Bottleneck(128, large, 128) for _ in range(6)),
                Bottleneck(128, 2 * large, 128, stride=2),
                *(Bottleneck(128, large, 128) for _ in range(2)),
                Clipped(128, 512),
            ]
        )
        self.pool = nn.Conv2d(512, 512, 7, groups=512)  # one learned weight map per channel
        self.out = nn.Linear(512, 128)

    def head(self, wide: torch.Tensor) -> torch.Tensor:
        """The embedding from the last block's map."""
        out: torch.Tensor = self.out(self.pool(wide).flatten(1))
        return out

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        x = self.scale(image)
        for block in self.blocks:
            x = block(x)
        return self.head(x)


@torch.no_grad()
def settle(model: Recogniser, images: torch.Tensor) -> None:
    """Scale the initial values so that each convolution answers `images` with unit variance (LSUV, Mishkin and Matas
    2016), and what is added to a block's input with a tenth of it.
    """
    x = model.scale(images)
    for block in model.blocks:
        last = block.body[-1] if isinstance(block, Bottleneck) and block.adds else None
        for module in block.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.zeros_(module.bias)
                _scale_to(block, module, x, 0.1 if module is last else 1.0)
        x = block(x)


def _scale_to(block: nn.Module, conv: nn.Conv2d, x: torch.Tensor, variance: float) -> None:
    found: list[torch.Tensor] = []
    hook = conv.register_forward_hook(lambda module, given, answer: found.append(answer))
    block(x)
    hook.remove()
    conv.weight.mul_((variance / found[0].var()).sqrt())


class Detector(nn.Module):
    """(N, 3, H, W) BGR 0..255 -> (N, 15, H/s, W/s) for s in 8, 16, 32: score logit, box, landmarks; 0.35 M parameters.

    One prediction per cell, in the manner of YuNet: no anchors, offsets in cells, sizes as logarithms of cells.
    """

    def __init__(self, widths: tuple[int, ...] = (16, 32, 48, 64, 64)) -> None:
        super().__init__()
        w1, w2, w3, w4, w5 = widths
        self.scale = Scale()
        self.stem = nn.Sequential(Conv(3, w1, stride=2), Conv(w1, w2, stride=2))
        self.stage8 = nn.Sequential(Conv(w2, w3, stride=2), Residual(w3), Residual(w3))
        self.stage16 = nn.Sequential(Conv(w3, w4, stride=2), Residual(w4))
        self.stage32 = nn.Sequential(Conv(w4, w5, stride=2), Residual(w5))
        self.down32, self.down16 = Conv(w5, w4, size=1), Conv(w4, w3, size=1)
        self.neck = nn.ModuleList([Conv(w3, w3), Conv(w4, w3), Conv(w5, w3)])
        self.heads = nn.ModuleList([nn.Conv2d(w3, 15, 1) for _ in STRIDES])
        for head in self.heads:
            assert isinstance(head, nn.Conv2d)
            assert head.bias is not None
            nn.init.constant_(head.bias[:1], -4.0)

    def forward(self, image: torch.Tensor) -> list[torch.Tensor]:
        c8 = self.stage8(self.stem(self.scale(image)))
        c16 = self.stage16(c8)
        c32 = self.stage32(c16)
        p16 = c16 + functional.interpolate(self.down32(c32), scale_factor=2.0, mode="nearest")
        p8 = c8 + functional.interpolate(self.down16(p16), scale_factor=2.0, mode="nearest")
        levels = zip(self.neck, self.heads, (p8, p16, c32), strict=True)
        return [head(neck(x)) for neck, head, x in levels]
