"""How a `Learner` lets its network be compressed: the same data and the same recipe."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from trainables.tasks.task import Task, TaskData
from trainables.training.batches import Batch, mapped
from trainables.training.carrying import is_recurrent
from trainables.training.devices import placed
from trainables.training.loop import Recipe, Training, judged
from trainables.training.randomness import Randomness

__all__ = ["TaskTuning"]


@dataclass(frozen=True)
class TaskTuning:
    """The data, on the device of the training, and how it trained.

    The learning rate begins as high as in the training and falls to the end of the epochs: that recovers more than
    epochs at its last, low rate do (Renda, Frankle and Carbin 2020, 2003.02389).

    Attributes:
        task: what the network has learned.
        data: what the task loaded, on the device of the training.
        recipe: how the network was trained.
    """

    task: Task
    data: TaskData
    recipe: Recipe

    def examples(self, count: int) -> Batch:
        """Draw training examples, always the same.

        Args:
            count: the number of examples; all where there are fewer.

        Returns:
            Their normalised inputs (count, ...), on the CPU.
        """
        device = self.data.device
        generator = torch.Generator(device).manual_seed(0)
        rows = torch.randperm(len(self.data.train), generator=generator, device=device)[:count]
        return mapped(_on_cpu, self.data.normalize(self.data.train.rows(rows)[0]))

    def judge(self, run: Callable[..., Batch], split: str) -> dict[str, float]:
        """Compute the metrics of the task on all examples of a part of the data.

        Args:
            run: maps normalised inputs on the CPU to outputs on the CPU. A network with a method `unroll` carries its
                state from batch to batch where the examples of the task follow each other.
            split: the name of the part.

        Returns:
            The values by the names of the metrics.
        """
        kind = _MovedRecurrent if is_recurrent(run) else _Moved
        return judged(kind(run, self.data.device), self.task, self.data, self.data.split(split))

    def train(self, network: nn.Module, *, seed: int, epochs: int) -> Iterator[dict[str, float]]:
        """Train a network on the task.

        Args:
            network: the network; it is trained in place, and is on the CPU afterwards.
            seed: decides everything random.
            epochs: the number of epochs.

        Yields:
            After each epoch the loss and the primary metric on the training examples, as `train_..`.
        """
        device = self.data.device
        placed(network, device)
        training = Training(network, self.task, self.data, self.recipe, Randomness(seed, device), epochs)
        for _ in range(epochs):
            yield {f"train_{name}": value for name, value in training.train_epoch().items()}
        if training.network is not network:
            network.load_state_dict(training.network.state_dict())
        network.to("cpu", memory_format=torch.contiguous_format).eval()  # type: ignore[call-overload]


class _Moved:
    """A function on the CPU, as one of inputs and outputs on another device."""

    def __init__(self, run: Any, device: torch.device) -> None:
        self.run, self.device = run, device

    def __call__(self, *inputs: Tensor, **named: Tensor) -> Batch:
        outputs = self.run(*map(_on_cpu, inputs), **{name: _on_cpu(one) for name, one in named.items()})
        return self._moved(outputs)

    def _moved(self, outputs: Batch) -> Batch:
        return mapped(lambda one: one.to(self.device), outputs)


class _MovedRecurrent(_Moved):
    """The same of a recurrent network, whose state stays on the CPU."""

    def unroll(self, inputs: Batch, state: Batch) -> tuple[Batch, Batch]:
        """Run the network from a state on; None stands for no state."""
        outputs, after = self.run.unroll(mapped(_on_cpu, inputs), state)
        return self._moved(outputs), after


def _on_cpu(tensor: Tensor) -> Tensor:
    return tensor.to("cpu", memory_format=torch.contiguous_format)
