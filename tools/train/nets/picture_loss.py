"""The losses of picture nets: pixels, features of our own face embedder, and a critic trained along.

VGG's weights, the usual choice for features, are not ours to use; the embedder's early and middle layers serve instead.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from tools.train import common, paths
from tools.train.nets.face_nets import Recogniser
from tools.train.nets.picture_nets import Critic

RECOGNISER = paths.BUILD / "rec" / "checkpoint.pt"
LAYERS = (0, 5, 12)
"""Blocks of the embedder whose outputs are compared: 56, 28 and 14 px wide for an aligned face."""


@dataclass(frozen=True)
class LossWeights:
    """Weights of the losses beside that of pixels; `conditional`: the critic sees the input too (Pix2Pix).

    `identity` weighs the loss of likeness; the training pictures must then be aligned faces of 112 px.
    """

    features: float
    critic: float
    conditional: bool = False
    identity: float = 0.0


class FaceFeatures(nn.Module):
    """(N, 3, H, W) BGR 0..255 -> feature maps of the embedder, each scaled to unit mean square; never trained here."""

    def __init__(self, recogniser: Recogniser) -> None:
        super().__init__()
        self.whole = recogniser
        self.scale = recogniser.scale
        self.body = nn.ModuleList(list(recogniser.blocks)[: max(LAYERS) + 1])
        self.eval().requires_grad_(False)
        self.to(memory_format=torch.channels_last)

    @classmethod
    def load(cls, checkpoint: Path = RECOGNISER) -> FaceFeatures:
        """From a recogniser's training; random, and said so, where there has been none."""
        torch.manual_seed(0)
        model = Recogniser()
        if checkpoint.is_file():
            model.load_state_dict(common.load(checkpoint)["averaged"])
        else:
            print(f"{checkpoint}: not there; features of an untrained embedder are used", flush=True)
        return cls(model)

    def forward(self, image: torch.Tensor) -> list[torch.Tensor]:
        x, maps = self.scale(image.flip(1)), []
        for number, layer in enumerate(self.body):
            x = layer(x)
            if number in LAYERS:
                maps.append(x / (x.detach().float().square().mean((1, 2, 3), keepdim=True).sqrt() + 1e-6))
        return maps

    def distance(self, answer: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
        """Mean absolute difference over the layers."""
        with torch.no_grad():
            wanted = self(truth)
        parts = [(a - b).abs().float().mean() for a, b in zip(self(answer), wanted, strict=True)]
        return torch.stack(parts).mean()

    def identity_loss(self, given: torch.Tensor, answer: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
        """Mean 1 - cosine to the clean face of what recognition scores: the direction loss_of input and output."""
        with torch.no_grad():
            before, wanted = (functional.normalize(self.whole(x.flip(1)).float()) for x in (given, truth))
        after = functional.normalize(self.whole(answer.flip(1)).float())
        return 1 - (functional.normalize(before + after) * wanted).sum(1).mean()


class Pixels:
    """Mean absolute difference of pixels, in parts of the range, plus `weight` times that of features."""

    def __init__(self, features: FaceFeatures | None = None, weight: float = 0.0) -> None:
        self.features, self.weight = features, weight

    def __call__(self, model: nn.Module, batch: common.Batch) -> torch.Tensor:
        given, truth = batch
        return self.loss_of(model(given), truth, self.weight)

    def loss_of(self, answer: torch.Tensor, truth: torch.Tensor, weight: float) -> torch.Tensor:
        """The loss of an answer."""
        loss = (answer.float() - truth).abs().mean() / 255
        if self.features is not None and weight:
            loss = loss + weight * self.features.distance(answer, truth)
        return loss


class Adversarial:
    """Pixels, features and a critic that is trained along: relativistic average least squares (DeblurGAN-v2, eq. 4).

    Called by the common loop like any loss; it moves its critic by one step before it judges the net.
    """

    def __init__(self, pixel: Pixels, weights: LossWeights, learning_rate: float) -> None:
        self.pixel, self.weights = pixel, weights
        self.critic = Critic(6 if weights.conditional else 3).to(memory_format=torch.channels_last)
        self.optimiser = torch.optim.AdamW(self.critic.parameters(), learning_rate, (0.5, 0.99), weight_decay=0.0)

    def _seen(self, given: torch.Tensor, picture: torch.Tensor) -> torch.Tensor:
        return torch.cat([given, picture], 1) if self.weights.conditional else picture

    def _opinions(self, given: torch.Tensor, answer: torch.Tensor, truth: torch.Tensor) -> tuple[torch.Tensor, ...]:
        true = self.critic(self._seen(given, truth)).float()
        made = self.critic(self._seen(given, answer)).float()
        return true - made.mean(), made - true.mean()

    def __call__(self, model: nn.Module, batch: common.Batch) -> torch.Tensor:
        given, truth = batch
        answer = model(given).float()
        self.critic.requires_grad_(True)
        true, made = self._opinions(given, answer.detach(), truth)
        judged = ((true - 1) ** 2).mean() + ((made + 1) ** 2).mean()
        self.optimiser.zero_grad(set_to_none=True)
        judged.backward()
        self.optimiser.step()
        self.critic.requires_grad_(False)
        true, made = self._opinions(given, answer, truth)
        fooled = ((true + 1) ** 2).mean() + ((made - 1) ** 2).mean()
        loss = self.pixel.loss_of(answer, truth, self.weights.features) + self.weights.critic * fooled / 2
        if self.weights.identity and self.pixel.features is not None:
            loss = loss + self.weights.identity * self.pixel.features.identity_loss(given, answer, truth)
        return loss

    def state_dict(self) -> dict[str, Any]:
        """Critic and its optimiser, for the checkpoint."""
        return {"critic": self.critic.state_dict(), "optimiser": self.optimiser.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """As `state_dict` gave it."""
        self.critic.load_state_dict(state["critic"])
        self.optimiser.load_state_dict(state["optimiser"])
