"""The networks that repair pictures: dense convolutions with ReLU and no normalisation, which quantize well.

Pictures come and go as 0..255; each net adds what is missing to its input or to its bicubic enlargement, so an error of
int8 is an error of the correction alone. Much of the work happens on pixels moved into channels, at half the size.
"""

from __future__ import annotations

import itertools

import torch
from torch import nn
from torch.nn import functional

from tools.train.nets.face_nets import Scale, fold_scale


class Unfolded(nn.Module):
    """A net with a scale before its `first` and after its `last` convolution."""

    first: nn.Conv2d
    last: nn.Conv2d

    def __init__(self) -> None:
        super().__init__()
        self.scale, self.gain = Scale(), Scale(255.0)


def fold(model: Unfolded) -> None:
    """Move both scales into the convolutions beside them, before export."""
    fold_scale(model.scale, model.first)
    with torch.no_grad():
        model.last.weight.mul_(model.gain.factor)
        if model.last.bias is not None:
            model.last.bias.mul_(model.gain.factor)
    model.gain.factor = 1.0


def _conv(inputs: int, outputs: int, size: int = 3, stride: int = 1) -> nn.Conv2d:
    layer = nn.Conv2d(inputs, outputs, size, stride, size // 2)
    nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    assert layer.bias is not None
    nn.init.zeros_(layer.bias)
    return layer


def _last(inputs: int, outputs: int, size: int = 3) -> nn.Conv2d:
    """Begins near zero: the untrained net leaves the picture as it is."""
    layer = _conv(inputs, outputs, size)
    with torch.no_grad():
        layer.weight.mul_(0.02)
    return layer


class Block(nn.Module):
    """Two 3 x 3 convolutions around an identity, without normalisation."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first, self.second = _conv(width, width), _conv(width, width)
        with torch.no_grad():
            self.second.weight.mul_(0.1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.relu(x + self.second(functional.relu(self.first(x))))


def _cubic(x: torch.Tensor) -> torch.Tensor:
    """Keys' kernel with a = -1/2."""
    x = x.abs()
    near, far = 1.5 * x**3 - 2.5 * x**2 + 1, -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2
    return torch.where(x <= 1, near, torch.where(x < 2, far, torch.zeros_like(x)))


class Bicubic2(nn.Module):
    """(N, 1, H, W), sides even -> (N, 16, H/2, W/2): bicubic enlargement by 2, before `pixel_shuffle(4)`.

    One fixed convolution on 2 x 2 pixels as channels: quick everywhere, and equal everywhere.
    """

    kernel: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        at = torch.tensor([-0.25, 0.25, 0.75, 1.25])[:, None] - torch.arange(-2.0, 4.0)[None, :]
        taps = _cubic(at).reshape(4, 3, 2)  # place of the new pixel, cell, pixel in the cell
        kernel = torch.einsum("ads,bet->abstde", taps, taps).reshape(16, 4, 3, 3)
        self.register_buffer("kernel", kernel, persistent=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        with torch.autocast("cpu", enabled=False):  # 8 bits of mantissa are too few for a picture
            wide = functional.pixel_unshuffle(functional.pad(x.float(), (2, 2, 2, 2), mode="replicate"), 2)
            return functional.conv2d(wide, self.kernel)


class Shuffled(Unfolded):
    """(N, 1, H, W) luma, sides even -> (N, 1, r H, r W) with r 1 or 2: a plain stack at half the size (ESPCN kind)."""

    def __init__(self, enlarge: int, width: int, depth: int) -> None:
        super().__init__()
        self.enlarge = enlarge
        self.first = _conv(4, width)
        self.body = nn.ModuleList([_conv(width, width) for _ in range(depth)])
        self.last = _last(width, 4 * enlarge**2)
        self.skip = Bicubic2() if enlarge == 2 else None

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        x = functional.relu(self.first(functional.pixel_unshuffle(self.scale(image), 2)))
        for layer in self.body:
            x = functional.relu(layer(x))
        lacking = self.gain(self.last(x))
        if self.skip is not None:
            return functional.pixel_shuffle(lacking + self.skip(image), 4)
        return image + functional.pixel_shuffle(lacking, 2)


class Srcnn(Unfolded):
    """SRCNN 9-5-5 (Dong et al. 2014) on the bicubic enlargement, which is in the graph; corrected, not replaced."""

    def __init__(self, widths: tuple[int, int] = (64, 32)) -> None:
        super().__init__()
        self.skip = Bicubic2()
        self.first, self.middle = _conv(1, widths[0], 9), _conv(widths[0], widths[1], 5)
        self.last = _last(widths[1], 1, 5)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        large = functional.pixel_shuffle(self.skip(image), 4)
        x = functional.relu(self.first(self.scale(large)))
        out: torch.Tensor = large + self.gain(self.last(functional.relu(self.middle(x))))
        return out


class Pyramid(Unfolded):
    """(N, 3, H, W), sides multiples of 16 -> the same: a feature pyramid on a light backbone (DeblurGAN-v2 kind)."""

    def __init__(self, widths: tuple[int, int, int, int] = (32, 48, 64, 96), out: int = 32) -> None:
        super().__init__()
        w2, w4, w8, w16 = widths
        self.first = _conv(12, w2)
        self.stage2 = Block(w2)
        self.stage4 = nn.Sequential(_conv(w2, w4, stride=2), nn.ReLU(), Block(w4), Block(w4))
        self.stage8 = nn.Sequential(_conv(w4, w8, stride=2), nn.ReLU(), Block(w8), Block(w8))
        self.stage16 = nn.Sequential(_conv(w8, w16, stride=2), nn.ReLU(), Block(w16))
        self.side = nn.ModuleList([_conv(w16, w8, 1), _conv(w8, w4, 1), _conv(w4, w2, 1)])
        self.smooth = nn.ModuleList([Block(w8), Block(w4), Block(w2)])
        self.wide = _conv(w2, out)
        self.last = _last(out, 12)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        c2 = self.stage2(functional.relu(self.first(functional.pixel_unshuffle(self.scale(image), 2))))
        c4 = self.stage4(c2)
        c8 = self.stage8(c4)
        p = self.stage16(c8)
        for side, smooth, lower in zip(self.side, self.smooth, (c8, c4, c2), strict=True):
            p = smooth(functional.relu(lower + functional.interpolate(side(p), scale_factor=2.0, mode="nearest")))
        lacking = self.last(functional.relu(self.wide(p)))
        return image + functional.pixel_shuffle(self.gain(lacking), 2)


class UNet(Unfolded):
    """(N, 3, H, W), sides multiples of 16 -> the same: U-Net with skip connections (Pix2Pix kind)."""

    def __init__(self, widths: tuple[int, int, int, int] = (32, 64, 96, 128)) -> None:
        super().__init__()
        self.first = _conv(12, widths[0])
        pairs = list(itertools.pairwise(widths))
        self.down = nn.ModuleList(
            [nn.Sequential(_conv(a, b, stride=2), nn.ReLU(), _conv(b, b), nn.ReLU()) for a, b in pairs]
        )
        self.middle = Block(widths[-1])
        self.up = nn.ModuleList([nn.Sequential(_conv(a + b, a), nn.ReLU()) for a, b in reversed(pairs)])
        self.wide = _conv(widths[0], widths[0])
        self.last = _last(widths[0], 12)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        levels = [functional.relu(self.first(functional.pixel_unshuffle(self.scale(image), 2)))]
        for down in self.down:
            levels.append(down(levels[-1]))
        x = self.middle(levels.pop())
        for up in self.up:
            x = up(torch.cat([functional.interpolate(x, scale_factor=2.0, mode="nearest"), levels.pop()], 1))
        lacking = self.last(functional.relu(self.wide(x)))
        return image + functional.pixel_shuffle(self.gain(lacking), 2)


class SrResNet(Unfolded):
    """(N, 3, H, W) -> (N, 3, 4 H, 4 W): SRResNet (Ledig et al. 2017) without batch norm, sub-pixel in two steps."""

    def __init__(self, width: int = 64, blocks: int = 6) -> None:
        super().__init__()
        self.first = _conv(3, width)
        self.body = nn.Sequential(*(Block(width) for _ in range(blocks)))
        self.up = _conv(width, 128)
        self.fine = _conv(32, 32)
        self.last = _last(32, 12)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        x = functional.relu(self.first(self.scale(image)))
        x = functional.pixel_shuffle(functional.relu(self.up(x + self.body(x))), 2)
        lacking = self.gain(self.last(functional.relu(self.fine(x))))
        with torch.autocast("cpu", enabled=False):
            large = functional.interpolate(image.float(), scale_factor=4.0, mode="bilinear")
        return large + functional.pixel_shuffle(lacking, 2)


class Critic(nn.Module):
    """PatchGAN: (N, C, H, W) 0..255 -> (N, 1, H/8, W/8), one opinion per patch of some 30 px."""

    def __init__(self, channels: int = 3, width: int = 32) -> None:
        super().__init__()
        self.body = nn.Sequential(
            _conv(channels, width, stride=2),
            nn.LeakyReLU(0.2),
            _conv(width, 2 * width, stride=2),
            nn.LeakyReLU(0.2),
            _conv(2 * width, 3 * width, stride=2),
            nn.LeakyReLU(0.2),
            _last(3 * width, 1),
        )

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.body(image / 127.5 - 1)
        return out
