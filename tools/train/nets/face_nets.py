"""The two networks: plain residual nets of dense 3 x 3 convolutions with ReLU, which train and quantize well on CPUs.

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


class Recogniser(nn.Module):
    """(N, 3, 112, 112) RGB 0..255 -> (N, 128) embedding, not yet of unit length; 3.1 M parameters."""

    STAGES = ((64, 28), (128, 14), (192, 7), (384, 7))
    """Channels and side of the maps that `stages` gives."""

    def __init__(self, widths: tuple[int, ...] = (32, 64, 128, 192), blocks: tuple[int, ...] = (1, 2, 3)) -> None:
        super().__init__()
        self.scale = Scale()
        layers: list[nn.Module] = [Conv(3, widths[0], stride=2)]
        for before, width, number in zip(widths, widths[1:], blocks, strict=False):
            layers += [Conv(before, width, stride=2), *(Residual(width) for _ in range(number))]
        self.body = nn.Sequential(*layers)
        self.wide = Conv(widths[-1], 384, size=1)
        self.pool = nn.Conv2d(384, 384, 7, groups=384, bias=False)  # one learned weight map per channel
        self.pool_norm = nn.BatchNorm2d(384)
        self.out = nn.Linear(384, 128)

    def stages(self, image: torch.Tensor) -> list[torch.Tensor]:
        """The map at the end of each stage and before the pooling, as `STAGES` lists them."""
        x, maps = self.scale(image), []
        for layer in self.body:
            if isinstance(layer, Conv):
                maps.append(x)
            x = layer(x)
        return [*maps[2:], x, self.wide(x)]

    def head(self, wide: torch.Tensor) -> torch.Tensor:
        """The embedding from the last of `stages`."""
        out: torch.Tensor = self.out(self.pool_norm(self.pool(wide)).flatten(1))
        return out

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return self.head(self.wide(self.body(self.scale(image))))


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
