"""The training of one classifier: what an epoch is, how it is judged, and its state.

Nothing in an epoch waits for the device but its end, when the sums of losses and hits are read.

Of processes that train together (`trainables.training.parallel`), each computes its share of every batch. All draw the
same order and the same augmentation of whole batches, sum their gradients, and end an epoch with the same network, so
that a training without batch norm and dropout is that of one process but for rounding. Batch norm normalises each share
by itself, as it does elsewhere; the running statistics are the means over the shares.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from trainables.data import Augmentation, ImageData, Split
from trainables.errors import DivergedError
from trainables.networks.base import set_drop_path
from trainables.training.averaging import WeightAverage
from trainables.training.devices import layout_of
from trainables.training.optimization import Optimization, Optimizer
from trainables.training.parallel import ALONE, Group
from trainables.training.randomness import Randomness
from trainables.trial.deadline import check_time

__all__ = ["Recipe", "Score", "Tally", "Training", "judged"]

_EVALUATION_BATCH = 512


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to train.

    Attributes:
        batch_size: images a step.
        label_smoothing: the share of the target that is spread over all classes.
        auxiliary_weight: the weight of the loss of each auxiliary head.
        augmentation: random views of the images.
        optimization: how the weights learn.
        ema: the decay a step of the average of the weights (see `WeightAverage`); 0 keeps none.
    """

    batch_size: int
    label_smoothing: float
    auxiliary_weight: float
    augmentation: Augmentation
    optimization: Optimization
    ema: float = 0.0


@dataclass(frozen=True, slots=True)
class Score:
    """How well a network does on some images.

    Attributes:
        loss: mean cross-entropy in nats; in training with the label smoothing of the recipe.
        accuracy: the share of right answers.
    """

    loss: float
    accuracy: float


class Training:
    """The training of one network. `epoch` counts the epochs that are trained.

    `network` is what is judged: the average of the weights where the recipe has an `ema`. It is in evaluation mode
    except within `train_epoch`.

    Args:
        network: the network to train, on the device of the data.
        data: the images.
        recipe: how to train.
        randomness: all random numbers of the training.
        epochs: epochs of the whole training.
        group: the processes that train and evaluate together.
    """

    def __init__(
        self,
        network: nn.Module,
        data: ImageData,
        recipe: Recipe,
        randomness: Randomness,
        epochs: int,
        group: Group = ALONE,
    ) -> None:
        self.data, self.epochs = data, epochs
        self.epoch = 0
        self._trained = network.eval()
        self._average = WeightAverage(network, recipe.ema) if recipe.ema else None
        self._recipe, self._randomness, self._group = recipe, randomness, group
        self._device = data.train.images.device
        self._layout = layout_of(network, self._device)
        self._optimizer = Optimizer(network, recipe.optimization, self._device)
        self._batch_size = min(recipe.batch_size, len(data.train))
        self._batches = len(data.train) // self._batch_size

    @property
    def network(self) -> nn.Module:
        """The network as it would be used now."""
        return self._trained if self._average is None else self._average.network

    @property
    def rate(self) -> float:
        """The learning rate at the end of the last epoch."""
        return self._recipe.optimization.rate(self.epoch / self.epochs)

    def train_epoch(self) -> Score:
        """Every training image once, in random order, but for the rest that fills no batch.

        Drop path grows from 0 to its full probability over the training (Zoph et al. 2018, 1707.07012).

        Returns:
            The loss and accuracy on the training images, as the weights learned.

        Raises:
            DivergedError: the loss is no finite number.
        """
        self._begin_together()
        self._trained.train()
        set_drop_path(self._trained, self.epoch / self.epochs)
        tally = Tally(self._device)
        order = torch.randperm(len(self.data.train), generator=self._randomness.generator, device=self._device)
        try:
            with self._randomness.of(self._group):
                for index in range(self._batches):
                    check_time(index, self._batches)
                    rows = order[index * self._batch_size : (index + 1) * self._batch_size]
                    self._train_batch(rows, self.epoch + index / self._batches, tally)
        finally:
            self._trained.eval()
        self._end_together()
        self.epoch += 1
        return tally.finite_score(self.epoch, self._group)

    def _train_batch(self, rows: Tensor, progress: float, tally: Tally) -> None:
        labels = self.data.train.labels.index_select(0, rows)
        images = self.data.train.images.index_select(0, rows)
        # Of the whole batch in every process, so that all generators stay where those of a single process are.
        images = self._recipe.augmentation(images, self._randomness.generator)
        mine = self._group.share(len(rows))
        images, labels = images[mine], labels[mine]
        with self._optimizer.precision():
            outputs = self._trained(self.data.normalize(images, self._layout))
            logits, *auxiliary = outputs if isinstance(outputs, tuple) else (outputs,)
            loss = self._loss(logits, labels)
            whole = sum((self._recipe.auxiliary_weight * self._loss(head, labels) for head in auxiliary), start=loss)
        # The sum over the processes is then the gradient of the mean over the whole batch.
        self._optimizer.descend(whole * (len(labels) / len(rows)), progress / self.epochs, self._group)
        if self._average is not None:
            self._average.follow()
        tally.add(loss.detach(), logits.detach(), labels)

    def _loss(self, logits: Tensor, labels: Tensor) -> Tensor:
        return functional.cross_entropy(logits.float(), labels, label_smoothing=self._recipe.label_smoothing)

    def evaluate(self, split: Split) -> Score:
        """Evaluate the network on all images of a split, unaugmented.

        Args:
            split: a split of the data.

        Returns:
            Mean loss and accuracy.
        """
        self.network.eval()  # whatever its user did with it
        with self._optimizer.precision():
            return judged(self.network, self.data, split, self._group)

    def _begin_together(self) -> None:
        """All start from the weights of process 0: initial weights may differ in a bit from machine to machine."""
        if not self._group.alone:
            self._group.check_same("epoch", self.epoch, self._device)
            self._group.equalize_(self._tensors())

    def _end_together(self) -> None:
        """One network in all processes."""
        if not self._group.alone:
            self._group.mean_(self._statistics())
            self._group.equalize_(self._tensors())

    def _networks(self) -> list[nn.Module]:
        return [self._trained] if self._average is None else [self._trained, self._average.network]

    def _tensors(self) -> list[Tensor]:
        return [tensor for network in self._networks() for tensor in (*network.parameters(), *network.buffers())]

    def _statistics(self) -> list[Tensor]:
        """What batch norm has seen of the images of this process."""
        named = [pair for network in self._networks() for pair in network.named_buffers()]
        return [buffer for name, buffer in named if name.endswith(("running_mean", "running_var"))]

    def state_dict(self) -> dict[str, object]:
        """Weights, their average where there is one, optimizer, random numbers and epoch.

        Returns:
            Weights, their average where there is one, optimizer, random numbers and epoch.
        """
        average = {} if self._average is None else {"average": self._average.state_dict()}
        return {
            "network": self._trained.state_dict(),
            **average,
            "optimizer": self._optimizer.state_dict(),
            "randomness": self._randomness.state(),
            "epoch": self.epoch,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue where a state was taken. Torch raises its own errors for a state of another training.

        Args:
            state: what `state_dict` of an equal training gave.
        """
        self._trained.load_state_dict(state["network"])
        if self._average is not None:
            self._average.load_state_dict(state["average"])
        self._optimizer.load_state_dict(state["optimizer"])
        self._randomness.restore(state["randomness"])
        self.epoch = state["epoch"]


@torch.no_grad()
def judged(network: Callable[[Tensor], Tensor], data: ImageData, split: Split, group: Group = ALONE) -> Score:
    """Evaluate a network, in the mode that it is in, on all images of a split.

    The processes of a group, with one network, each look at a part of the images; all get the score of all images.

    Args:
        network: maps standardized images (n, channels, height, width) to logits (n, classes).
        data: the images, which know how they are standardized.
        split: one of the splits of `data`.
        group: the processes that evaluate together.

    Returns:
        Mean loss and accuracy.
    """
    tally, part = Tally(split.images.device), group.share(len(split))
    for start in range(part.start, part.stop, _EVALUATION_BATCH):
        check_time()
        rows = slice(start, min(start + _EVALUATION_BATCH, part.stop))
        labels = split.labels[rows]
        logits = network(data.normalize(split.images[rows]))
        tally.add(functional.cross_entropy(logits.float(), labels), logits, labels)
    return tally.score(group)


class Tally:
    """Sums losses and hits over batches, on the device.

    Args:
        device: the device of the batches.
    """

    def __init__(self, device: torch.device) -> None:
        self._loss = torch.zeros((), device=device)
        self._hits = torch.zeros((), dtype=torch.int64, device=device)
        self._count = 0

    def add(self, loss: Tensor, logits: Tensor, labels: Tensor) -> None:
        """Add one batch.

        Args:
            loss: its mean loss, a scalar.
            logits: (n, classes).
            labels: the number of the class of each image, (n,).
        """
        self._loss += loss * len(labels)
        self._hits += (logits.argmax(1) == labels).sum()
        self._count += len(labels)

    def finite_score(self, epoch: int, group: Group = ALONE) -> Score:
        """The score of a training epoch; `DivergedError` where its loss is no number.

        Args:
            epoch: the epoch that has ended, for the message.
            group: the processes whose sums count together.

        Returns:
            Means over everything that was added.

        Raises:
            DivergedError: the loss is no finite number.
        """
        score = self.score(group)
        if not math.isfinite(score.loss):
            raise DivergedError(f"the training loss is {score.loss} after epoch {epoch}; lower lr, or clip gradients")
        return score

    def score(self, group: Group = ALONE) -> Score:
        """Compute means over everything that was added; waits for the device.

        Args:
            group: the processes whose sums count together.

        Returns:
            Mean loss and accuracy.
        """
        if group.alone:
            return Score(float(self._loss) / self._count, float(self._hits) / self._count)
        count = torch.tensor(self._count, device=self._loss.device)
        sums = torch.stack([self._loss.double(), self._hits.double(), count.double()])
        group.sum_([sums])
        loss, hits, whole = sums.tolist()
        return Score(loss / whole, hits / whole)
