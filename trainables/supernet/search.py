"""The search in a supernet: weights learn from one half of the examples, the architecture from the other, in turns.

An epoch is every example of the training half once. A step of the architecture comes before each step of the weights,
except in the first epochs, in which weights warm up. Neither step computes anything for the parameters of the other.
Running statistics of normalisations follow the weights' steps only: validation examples leave no trace in the network.
Only the end of an epoch waits for the device (and `gdas` once a step, because it needs the option that it drew).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from trainables.settings import check_name, check_number
from trainables.settings.groups import flat_name
from trainables.supernet.bilevel import ORDERS, exact_order, first_order, frozen, second_order
from trainables.supernet.collapse import dominant_eigenvalue
from trainables.supernet.criterion import Criterion
from trainables.supernet.head import RefittedHead
from trainables.supernet.methods.base import Draws
from trainables.supernet.regularizers import REGULARIZERS
from trainables.supernet.statistics import frozen_statistics, recalibrated
from trainables.supernet.streams import Stream
from trainables.supernet.supernet import Supernet
from trainables.tasks.task import Part, Task, TaskData
from trainables.training.batches import Batch, called, laid_out, mapped
from trainables.training.devices import layout_of
from trainables.training.loop import Metrics, Tally, judged
from trainables.training.optimization import Optimization, Optimizer
from trainables.training.randomness import Randomness
from trainables.trial.deadline import check_time

__all__ = ["Architect", "Search", "SearchRecipe"]

_CALIBRATION_BATCHES = 8
Examples = tuple[Batch, Batch]
"""Normalised inputs and their targets."""


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
        batch_size: examples a step.
        weights: how the weights learn.
        architect: how the architecture learns.
        warmup_epochs: the number of first epochs in which only weights learn.
        refit_head: whether members are evaluated with a head of their own.
    """

    batch_size: int
    weights: Optimization
    architect: Architect = field(default_factory=Architect)
    warmup_epochs: int = 0
    refit_head: bool = False


class Search:
    """A search in one supernet, on the `train` and `validation` parts of the data.

    `epoch` counts the epochs that are trained.

    Args:
        supernet: the supernet, on the device of the data; its method is judged by the task from then on.
        task: what is learned.
        data: what the task loaded; it has examples for validation.
        recipe: how to search.
        randomness: all random numbers of the search.
        epochs: epochs of the whole search in this supernet.
    """

    def __init__(
        self,
        supernet: Supernet,
        task: Task,
        data: TaskData,
        recipe: SearchRecipe,
        randomness: Randomness,
        epochs: int,
    ) -> None:
        self.supernet, self.task, self.data = supernet.eval(), task, data
        self.epochs, self.epoch = epochs, 0
        self.criterion = supernet.method.criterion = Criterion(task, data)
        self._recipe, self._randomness = recipe, randomness
        self._device = data.device
        self._layout = layout_of(supernet.module, self._device)
        self._host = torch.Generator().manual_seed(randomness.generator.initial_seed() & 0x7FFFFFFF)
        self._draws = Draws(randomness.generator, self._host)
        self._weights = [weight for weight in supernet.weight_parameters() if weight.requires_grad]
        self._alphas = supernet.architecture_parameters()
        self._optimizer = Optimizer(supernet.module, recipe.weights, self._device)
        self._architect = _adam(self._alphas, recipe.architect)
        self._train = Stream(data.train, recipe.batch_size, randomness.generator, self._order)
        self._valid = Stream(data.validation, recipe.batch_size, randomness.generator)

    def _order(self, generator: torch.Generator) -> Tensor:
        return self.task.order(self.data, generator)

    @property
    def rate(self) -> float:
        """The learning rate of the weights at the end of the last epoch."""
        return self._recipe.weights.rate(self.epoch / self.epochs)

    @property
    def refits_head(self) -> bool:
        """Whether members are evaluated with a head of their own."""
        return self._recipe.refit_head

    @property
    def has_learned(self) -> bool:
        """Whether the architecture has made a step."""
        return self._architect is not None and self.epoch > self._recipe.warmup_epochs

    def train_epoch(self) -> Metrics:
        """Train one epoch: every example of the training part once.

        Returns:
            The mean `loss` and the primary metric of the task on the training examples, as the weights learned.

        Raises:
            DivergedError: the loss is not a finite number.
        """
        tally = Tally.of(self.task, self.data)
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
        train = self._augmented(self._train)
        if self._architect is not None and self.epoch >= self._recipe.warmup_epochs:
            single = self.supernet.method.single_level
            valid = train if single else self._augmented(self._valid)
            self._descend_alphas(self._architect, train, valid, progress)
        self._descend_weights(train, progress, tally)

    def _descend_weights(self, train: Examples, progress: float, tally: Tally) -> None:
        self.supernet.begin_step(self._draws)
        with frozen(self._alphas), self._optimizer.precision():
            loss, outputs = self.supernet.method.weight_loss(lambda: self._outputs(train[0]), train[1])
        self._optimizer.descend(loss, progress)
        tally.add(loss.detach(), mapped(Tensor.detach, outputs), train[1])

    def tune(self, steps: int) -> None:
        """Train the weights at the last learning rate of the search; the architecture stays.

        Args:
            steps: how many batches.
        """
        tally = Tally.of(self.task, self.data)
        with self._training():
            for _ in range(steps):
                check_time()
                self._descend_weights(self._augmented(self._train), 1.0, tally)

    def _descend_alphas(self, architect: torch.optim.Adam, train: Examples, valid: Examples, progress: float) -> None:
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

    def _augmented(self, stream: Stream) -> Examples:
        inputs, targets = stream.next()
        inputs, targets = self.task.augment(inputs, targets, self.data, self._randomness.generator)
        return self._normalized(inputs), targets

    def _normalized(self, inputs: Batch) -> Batch:
        return laid_out(self.data.normalize(inputs), self._layout)

    def _loss(self, batch: Examples) -> Tensor:
        return self._judged(batch)[0]

    def _judged(self, batch: Examples) -> tuple[Tensor, Batch]:
        """The loss, and the outputs."""
        with self._optimizer.precision():
            outputs = self._outputs(batch[0])
            return self.criterion.loss(outputs, batch[1]), outputs

    def _whole(self, batch: Examples, progress: float) -> Tensor:
        """The architecture's loss: with what its method and the regularizer add."""
        loss = self.supernet.method.objective(*self._judged(batch), batch[1])
        penalty = self.supernet.method.penalty()
        if penalty is not None:
            loss = loss + penalty
        architect = self._recipe.architect
        if architect.regularizer == "none" or not architect.regularization:
            return loss
        share = architect.regularization * (progress if architect.regularizer == "beta" else 1)
        vectors = list(self.supernet.method.owned().values())
        return loss + share * REGULARIZERS[architect.regularizer](vectors)

    def _outputs(self, inputs: Batch) -> Batch:
        """The outputs without those of auxiliary heads."""
        return self.task.heads(called(self.supernet, inputs))[0]

    def evaluate(self, part: Part) -> Metrics:
        """Evaluate the supernet with every choice mixed deterministically.

        Running statistics are first fitted to some training examples: those of the training belong to earlier mixes.

        Args:
            part: a part of the data.

        Returns:
            Every metric of the task on all its examples.
        """
        self.supernet.eval()
        with recalibrated(self.supernet.module, self._calibrate), self._optimizer.precision():
            return judged(self.supernet, self.task, self.data, part)

    def evaluate_member(self, architecture: object, part: Part) -> Metrics:
        """Evaluate one architecture with the shared weights, its running statistics fitted as in `evaluate`.

        Where the recipe says so, its head is fitted too, to the same training examples.

        Args:
            architecture: a member of the supernet's space.
            part: a part of the data.

        Returns:
            Every metric of the task on all its examples.
        """
        with self.supernet.deciding(architecture):
            if not self._recipe.refit_head:
                return self.evaluate(part)
            self.supernet.eval()
            targets = self.data.train.rows(self._calibration)[1]
            with (
                recalibrated(self.supernet.module, self._read),
                self.head.fitted(targets),
                self._optimizer.precision(),
            ):
                return judged(self.supernet, self.task, self.data, part)

    @cached_property
    def head(self) -> RefittedHead:
        """The head that members have of their own; `TrainableError` where the task or the network allows none."""
        two = self.data.train.rows(self._calibration[:2])[0]
        return RefittedHead(self.supernet.module, self.task, self.data, lambda: self._outputs(self._normalized(two)))

    def _read(self) -> None:
        with self.head.reading():
            self._calibrate()

    @property
    def _calibration(self) -> Tensor:
        """The numbers of the training examples to which statistics are fitted."""
        batches = min(_CALIBRATION_BATCHES, self._train.batches)
        return torch.arange(batches * self._train.size, device=self._device)

    def _calibrate(self) -> None:
        for rows in torch.split(self._calibration, self._train.size):
            check_time()
            with self._optimizer.precision():
                called(self.supernet, self._normalized(self.data.train.rows(rows)[0]))

    def eigenvalue(self) -> float:
        """Compute the dominant eigenvalue of the second derivative of the validation loss by the architecture.

        The batch is the first of the validation examples in every epoch, so that epochs can be compared.

        Returns:
            The eigenvalue, at the weights and the mix as they are.
        """
        inputs, targets = self.data.validation.rows(torch.arange(self._valid.size, device=self._device))
        batch = self._normalized(inputs), targets
        self.supernet.eval()
        generator = torch.Generator(self._device).manual_seed(0)
        return dominant_eigenvalue(lambda: self._loss(batch), self._weights, self._alphas, generator)

    def state_dict(self) -> dict[str, object]:
        """Weights, architecture, both optimizers, both orders of examples, random numbers and epoch.

        Returns:
            Weights, architecture, both optimizers, both orders of examples, random numbers and epoch.
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
