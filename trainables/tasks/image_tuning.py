"""How an `ImageClassifier` lets its network be compressed: its own images and its own recipe."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from trainables.data import ImageData
from trainables.training.devices import placed
from trainables.training.loop import Recipe, Training, judged
from trainables.training.randomness import Randomness

__all__ = ["ImageTuning"]


@dataclass(frozen=True)
class ImageTuning:
    """The images, on the device of the training, and how it trained.

    The learning rate begins as high as in the training and falls to the end of the epochs: that recovers more than
    epochs at its last, low rate do (Renda, Frankle and Carbin 2020, 2003.02389).

    Attributes:
        data: the images, on the device of the training.
        recipe: how the network was trained.
    """

    data: ImageData
    recipe: Recipe

    def examples(self, count: int) -> Tensor:
        """At most `count` training images, standardized, (n, channels, height, width)."""
        device = self.data.train.images.device
        chosen = self.data.train.sampled(count, torch.Generator(device).manual_seed(0))
        return self.data.normalize(chosen.images).to("cpu", memory_format=torch.contiguous_format)

    def judge(self, run: Callable[[Tensor], Tensor], split: str) -> dict[str, float]:
        """`accuracy` and `loss` on all images of the split."""
        device = self.data.train.images.device

        def on_cpu(images: Tensor) -> Tensor:
            return run(images.to("cpu", memory_format=torch.contiguous_format)).to(device)

        score = judged(on_cpu, self.data, self.data.split(split))
        return {"accuracy": score.accuracy, "loss": score.loss}

    def train(self, network: nn.Module, *, seed: int, epochs: int) -> Iterator[dict[str, float]]:
        """`train_loss` and `train_accuracy` of each epoch."""
        device = self.data.train.images.device
        placed(network, device)
        training = Training(network, self.data, self.recipe, Randomness(seed, device), epochs)
        for _ in range(epochs):
            score = training.train_epoch()
            yield {"train_loss": score.loss, "train_accuracy": score.accuracy}
        if training.network is not network:
            network.load_state_dict(training.network.state_dict())
        network.to("cpu", memory_format=torch.contiguous_format).eval()  # type: ignore[call-overload]
