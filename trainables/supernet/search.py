"""The search in a supernet: weights learn from one half of the images, the architecture from the other, in turns.

An epoch is every image of the training half once. A step of the architecture comes before each step of the weights,
except in the first epochs, in which weights warm up. Neither step computes anything for the parameters of the other.
Running statistics of normalisations follow the weights' steps only: validation images leave no trace in the network.
Only the end of an epoch waits for the device (and `gdas` once a step, because it must know what it drew).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from trainables.data import Augmentation, ImageData, Split
from trainables.settings import check_name, check_number
from trainables.settings.groups import flat_name
from trainables.supernet.bilevel import ORDERS, exact_order, first_order, frozen, second_order
from trainables.supernet.collapse import dominant_eigenvalue
from trainables.supernet.methods.base import Draws
from trainables.supernet.regularizers import REGULARIZERS
from trainables.supernet.statistics import frozen_statistics, recalibrated
from trainables.supernet.streams import Stream
from trainables.supernet.supernet import Supernet
from trainables.tasks.classification import Classification
from trainables.training.devices import layout_of
from trainables.training.loop import Score, Tally, judged
from trainables.training.optimization import Optimization, Optimizer
from trainables.training.randomness import Randomness
from trainables.trial.deadline import check_time

__all__ = ["Architect", "Search", "SearchRecipe"]

_CALIBRATION_BATCHES = 8
_TASK = Classification()
"""What measures the outputs; its own settings count for nothing here."""
Batch = tuple[Tensor, Tensor]
"""Normalised images and their labels."""


@dataclass(frozen=True, slots=True)
class Architect:
    """How the architecture learns."""

    lr: float = field(default=3e-4, metadata=flat_name("architecture_lr"))
    """The learning rate of Adam, whose betas are 0.5 and 0.999."""
    weight_decay: float = field(default=1e-3, metadata=flat_name("architecture_weight_decay"))
    """The weight decay of Adam."""
    order: str = "first"
    """"first", "second" (the estimate of the DARTS paper by finite differences) or "exact"; see `supernet.bilevel`."""
    regularizer: str = "none"
    """A name of `supernet.regularizers.REGULARIZERS`, or "none"."""
    regularization: float = 0.0
    """The share of the regularizer in the loss; that of beta grows evenly from 0 to it."""

    def __post_init__(self) -> None:
        check_number("architecture_lr", self.lr, 0, open_low=True)
        check_number("architecture_weight_decay", self.weight_decay, 0)
        check_number("regularization", self.regularization, 0)
        check_name("order", self.order, ORDERS)
        check_name("regularizer", self.regularizer, ("none", *REGULARIZERS))


@dataclass(frozen=True, slots=True)
class SearchRecipe:
    """How to search.

    Attributes:
        batch_size: images a step.
        augmentation: random views of the images.
        weights: how the weights learn.
        architect: how the architecture learns.
        warmup_epochs: epochs, of the first ones, in which only weights learn.
    """

    batch_size: int
    augmentation: Augmentation
    weights: Optimization
    architect: Architect = field(default_factory=Architect)
    warmup_epochs: int = 0


class Search:
    """A search in one supernet, on the `train` and `validation` parts of the data.

    `epoch` counts the epochs that are trained.

    Args:
        supernet: the supernet, on the device of the data.
        data: the images.
        recipe: how to search.
        randomness: all random numbers of the search.
        epochs: epochs of the whole search in this supernet.
    """

    def __init__(
        self, supernet: Supernet, data: ImageData, recipe: SearchRecipe, randomness: Randomness, epochs: int
    ) -> None:
        self.supernet, self.data, self.epochs, self.epoch = supernet.eval(), data, epochs, 0
        self._recipe, self._randomness = recipe, randomness
        self._device = data.train.images.device
        self._layout = layout_of(supernet.module, self._device)
        self._host = torch.Generator().manual_seed(randomness.generator.initial_seed() & 0x7FFFFFFF)
        self._draws = Draws(randomness.generator, self._host)
        self._weights = [weight for weight in supernet.weight_parameters() if weight.requires_grad]
        self._alphas = supernet.architecture_parameters()
        self._optimizer = Optimizer(supernet.module, recipe.weights, self._device)
        self._architect = _adam(self._alphas, recipe.architect)
        self._train = Stream(data.train, recipe.batch_size, randomness.generator)
        self._valid = Stream(data.validation, recipe.batch_size, randomness.generator)

    @property
    def rate(self) -> float:
        """The learning rate of the weights at the end of the last epoch."""
        return self._recipe.weights.rate(self.epoch / self.epochs)

    @property
    def has_learned(self) -> bool:
        """Whether the architecture has made a step."""
        return self._architect is not None and self.epoch > self._recipe.warmup_epochs

    def train_epoch(self) -> Score:
        """Train one epoch: every image of the training part once.

        Returns:
            The `loss` and `accuracy` on the training images, as the weights learned.

        Raises:
            DivergedError: the loss is no finite number.
        """
        tally = Tally.of(_TASK, self.data)
        with self._training():
            for index in range(self._train.batches):
                check_time(index, self._train.batches)
                self._step((self.epoch + index / self._train.batches) / self.epochs, tally)
        self.epoch += 1
        self.supernet.method.advance(self.epoch / self.epochs)
        return tally.finite_score(self.epoch)

    @contextmanager
    def _training(self) -> Iterator[None]:
        """Put the supernet into training mode, with the random numbers of this search."""
        self.supernet.train()
        try:
            with self._randomness:
                yield
        finally:
            self.supernet.eval()

    def _step(self, progress: float, tally: Tally) -> None:
        self.supernet.method.advance(progress)
        train = self._views(self._train)
        if self._architect is not None and self.epoch >= self._recipe.warmup_epochs:
            single = self.supernet.method.single_level
            valid = train if single else self._views(self._valid)
            self._descend_alphas(self._architect, train, valid, progress)
        self._descend_weights(train, progress, tally)

    def _descend_weights(self, train: Batch, progress: float, tally: Tally) -> None:
        self.supernet.begin_step(self._draws)
        with frozen(self._alphas), self._optimizer.precision():
            loss, logits = self.supernet.method.weight_loss(lambda: self._logits(train[0]), train[1])
        self._optimizer.descend(loss, progress)
        tally.add(loss.detach(), logits.detach(), train[1])

    def tune(self, steps: int) -> None:
        """Train the weights at the last learning rate of the search; the architecture stays.

        Args:
            steps: how many batches.
        """
        tally = Tally.of(_TASK, self.data)
        with self._training():
            for _ in range(steps):
                check_time()
                self._descend_weights(self._views(self._train), 1.0, tally)

    def _descend_alphas(self, architect: torch.optim.Adam, train: Batch, valid: Batch, progress: float) -> None:
        self.supernet.begin_step(self._draws)
        with frozen_statistics(self.supernet.module):
            gradients = self._gradients(lambda: self._loss(train), lambda: self._whole(valid, progress), progress)
        for alpha, gradient in zip(self._alphas, gradients, strict=True):
            alpha.grad = gradient
        architect.step()
        self.supernet.method.settle()

    def _gradients(self, train: Callable[[], Tensor], valid: Callable[[], Tensor], progress: float) -> list[Tensor]:
        order = self._recipe.architect.order
        if order == "first":
            return first_order(valid, self._weights, self._alphas)
        estimate = second_order if order == "second" else exact_order
        rate = self._recipe.weights.rate(progress)
        return estimate(train, valid, self._weights, self._alphas, self._optimizer.steps, rate)

    def _views(self, stream: Stream) -> Batch:
        images, labels = stream.next()
        augmented = self._recipe.augmentation(images, self._randomness.generator)
        return self.data.normalize(augmented, self._layout), labels

    def _loss(self, batch: Batch) -> Tensor:
        return self._losses(batch)[0]

    def _losses(self, batch: Batch) -> Batch:
        """The loss, and the logits."""
        with self._optimizer.precision():
            logits = self._logits(batch[0]).float()
            return functional.cross_entropy(logits, batch[1]), logits

    def _whole(self, batch: Batch, progress: float) -> Tensor:
        """The architecture's loss: with what its method and the regularizer add."""
        loss = self.supernet.method.objective(*self._losses(batch), batch[1])
        penalty = self.supernet.method.penalty()
        if penalty is not None:
            loss = loss + penalty
        architect = self._recipe.architect
        if architect.regularizer == "none" or not architect.regularization:
            return loss
        share = architect.regularization * (progress if architect.regularizer == "beta" else 1)
        vectors = list(self.supernet.method.owned().values())
        return loss + share * REGULARIZERS[architect.regularizer](vectors)

    def _logits(self, images: Tensor) -> Tensor:
        outputs = self.supernet(images)
        logits: Tensor = outputs[0] if isinstance(outputs, tuple) else outputs
        return logits

    def evaluate(self, split: Split) -> Score:
        """Evaluate the supernet with every choice mixed deterministically.

        Running statistics are first fitted to some training images: those of the training belong to earlier mixes.

        Args:
            split: a split of the data.

        Returns:
            `accuracy` and mean `loss` on all its images.
        """
        self.supernet.eval()
        with recalibrated(self.supernet.module, self._calibrate), self._optimizer.precision():
            return judged(self.supernet, _TASK, self.data, split)

    def evaluate_member(self, architecture: object, split: Split) -> Score:
        """Evaluate one architecture with the shared weights, its running statistics fitted as in `evaluate`.

        Args:
            architecture: a member of the supernet's space.
            split: a split of the data.

        Returns:
            `accuracy` and mean `loss` on all its images.
        """
        with self.supernet.deciding(architecture):
            return self.evaluate(split)

    def _calibrate(self) -> None:
        images, size = self.data.train.images, self._train.size
        for index in range(min(_CALIBRATION_BATCHES, self._train.batches)):
            check_time()
            with self._optimizer.precision():
                self.supernet(self.data.normalize(images[index * size : (index + 1) * size], self._layout))

    def eigenvalue(self) -> float:
        """Compute the dominant eigenvalue of the second derivative of the validation loss by the architecture.

        The batch is the first of the validation images in every epoch, so that epochs can be compared.

        Returns:
            The eigenvalue, at the weights and the mix as they are.
        """
        size = self._valid.size
        images, labels = self.data.validation.images[:size], self.data.validation.labels[:size]
        batch = self.data.normalize(images, self._layout), labels
        self.supernet.eval()
        generator = torch.Generator(self._device).manual_seed(0)
        return dominant_eigenvalue(lambda: self._loss(batch), self._weights, self._alphas, generator)

    def state_dict(self) -> dict[str, object]:
        """Weights, architecture, both optimizers, both orders of images, random numbers and epoch.

        Returns:
            Weights, architecture, both optimizers, both orders of images, random numbers and epoch.
        """
        return {
            "supernet": self.supernet.state_dict(),
            "weights": self._optimizer.state_dict(),
            "architect": None if self._architect is None else self._architect.state_dict(),
            "train": self._train.state_dict(),
            "valid": self._valid.state_dict(),
            "randomness": self._randomness.state(),
            "host": self._host.get_state(),
            "epoch": self.epoch,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue where a state was taken. Torch raises its own errors for a state of another search.

        Args:
            state: what `state_dict` of an equal search gave.
        """
        self.supernet.load_state_dict(state["supernet"])
        self._optimizer.load_state_dict(state["weights"])
        if self._architect is not None:
            self._architect.load_state_dict(state["architect"])
        self._train.load_state_dict(state["train"])
        self._valid.load_state_dict(state["valid"])
        self._randomness.restore(state["randomness"])
        self._host.set_state(state["host"])
        self.epoch = state["epoch"]
        self.supernet.method.advance(self.epoch / self.epochs)


def _adam(alphas: list[Any], settings: Architect) -> torch.optim.Adam | None:
    """None where there is nothing to learn, as in methods of even chances."""
    if not alphas:
        return None
    return torch.optim.Adam(alphas, lr=settings.lr, betas=(0.5, 0.999), weight_decay=settings.weight_decay)
