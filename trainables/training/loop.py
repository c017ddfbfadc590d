"""The training of one network on a task: what an epoch is, how it is evaluated, and its state.

Nothing in an epoch waits for the device but its end, when the sums of losses and metrics are read.

Of processes that train together (`trainables.training.parallel`), each computes its share of every batch. All draw the
same order and the same augmentation of whole batches, sum their gradients, and end an epoch with the same network, so
that a training without batch norm and dropout is that of one process but for rounding. Batch norm normalises each share
by itself, as it does elsewhere; the running statistics are the means over the shares.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from trainables.errors import DivergedError
from trainables.networks.base import set_drop_path
from trainables.training.averaging import WeightAverage
from trainables.training.batches import Batch, called, laid_out, length, mapped
from trainables.training.carrying import Sequential, carried, is_recurrent
from trainables.training.devices import layout_of
from trainables.training.fetching import fetched
from trainables.training.optimization import Optimization, Optimizer
from trainables.training.parallel import ALONE, Group
from trainables.training.randomness import Randomness
from trainables.training.remarking import Remarking
from trainables.trial.deadline import check_time

if TYPE_CHECKING:
    from trainables.tasks.task import Meter, Part, Task, TaskData

__all__ = ["Metrics", "Recipe", "Tally", "Training", "judged"]

Metrics = dict[str, float]
"""The metrics of one pass over a part of the data, by name."""

_EVALUATION_BATCH = 512


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to train.

    Attributes:
        batch_size: examples a step.
        auxiliary_weight: the weight of the loss of each auxiliary head.
        optimization: how the weights learn.
        ema: the decay a step of the average of the weights (see `WeightAverage`); 0 keeps none.
    """

    batch_size: int
    auxiliary_weight: float
    optimization: Optimization
    ema: float = 0.0


class Training:
    """The training of one network. `epoch` counts the epochs that are trained.

    `network` is what is evaluated: the average of the weights where the recipe has an `ema`. It is in evaluation mode
    except within `train_epoch`.

    Args:
        network: the network to train, on the device of the data.
        task: what is learned.
        data: what the task loaded.
        recipe: how to train.
        randomness: all random numbers of the training.
        epochs: epochs of the whole training.
        group: the processes that train and evaluate together.
    """

    def __init__(
        self,
        network: nn.Module,
        task: Task,
        data: TaskData,
        recipe: Recipe,
        randomness: Randomness,
        epochs: int,
        group: Group = ALONE,
    ) -> None:
        self.task, self.data, self.epochs = task, data, epochs
        self.epoch = 0
        self.remarks: list[str] = []
        """What the last evaluation noticed."""
        self._trained = network.eval()
        self._average = WeightAverage(network, recipe.ema) if recipe.ema else None
        self._recipe, self._randomness, self._group = recipe, randomness, group
        self._device = data.device
        self._layout = layout_of(network, self._device)
        self._optimizer = Optimizer(network, recipe.optimization, self._device)
        self._batch_size = min(recipe.batch_size, len(data.train))
        self._carries = isinstance(task, Sequential) and is_recurrent(network)

    @property
    def network(self) -> nn.Module:
        """The network as it would be used now."""
        return self._trained if self._average is None else self._average.network

    @property
    def rate(self) -> float:
        """The learning rate at the end of the last epoch."""
        return self._recipe.optimization.rate(self.epoch / self.epochs)

    def train_epoch(self) -> Metrics:
        """The examples that the task orders, by default each once at random, but for the rest that fills no batch.

        The state of a recurrent network is carried from batch to batch where the examples follow each other. It is
        detached between batches, and reset when an epoch begins.

        Drop path grows from 0 to its full probability over the training (Zoph et al. 2018, 1707.07012).

        Returns:
            The mean `loss` and the primary metric of the task on the training examples, as the weights learned.

        Raises:
            DivergedError: the loss is not a finite number.
        """
        self._begin_together()
        self._trained.train()
        set_drop_path(self._trained, self.epoch / self.epochs)
        tally = Tally.of(self.task, self.data)
        run = carried(self._trained) if self._carries else self._trained
        batches = self._ordered()
        try:
            with self._randomness.of(self._group), fetched(self.data.train, batches) as coming:
                for index, batch in enumerate(coming):
                    check_time(index, len(batches))
                    self._train_batch(run, *batch, self.epoch + index / len(batches), tally)
        finally:
            self._trained.eval()
        self._end_together()
        self.epoch += 1
        return tally.finite_score(self.epoch, self._group)

    def _ordered(self) -> Sequence[Tensor]:
        """The numbers of the examples of each batch of an epoch."""
        generator = self._randomness.generator
        if self._carries and isinstance(self.task, Sequential):
            return self.task.batches(self.data, self.data.train, self._batch_size, carried=True, generator=generator)
        order = self.task.order(self.data, generator)
        size = min(self._batch_size, len(order))
        return [order[start : start + size] for start in range(0, len(order) // size * size, size)]

    def _train_batch(
        self, run: Callable[..., Batch], inputs: Batch, targets: Batch, progress: float, tally: Tally
    ) -> None:
        count = length(targets)
        # Of the whole batch in every process, so that all generators stay where those of a single process are.
        inputs, targets = self.task.augment(inputs, targets, self.data, self._randomness.generator)
        if not self._group.alone:
            mine = self._group.share(count)
            inputs, targets = mapped(lambda one: one[mine], inputs), mapped(lambda one: one[mine], targets)
        with self._optimizer.precision():
            outputs = called(run, laid_out(self.data.normalize(inputs), self._layout))
            main, auxiliary = self.task.heads(outputs)
            loss = self.task.loss(main, targets, self.data)
            whole = loss
            for head in auxiliary:
                whole = whole + self._recipe.auxiliary_weight * self.task.loss(head, targets, self.data)
        # The sum over the processes is then the gradient of the mean over the whole batch.
        self._optimizer.descend(whole * (length(targets) / count), progress / self.epochs, self._group)
        if self._average is not None:
            self._average.follow()
        tally.add(loss.detach(), mapped(Tensor.detach, main), targets)

    def evaluate(self, part: Part, *, every: bool = True) -> Metrics:
        """Evaluate the network on all examples of a part of the data, unaugmented.

        Args:
            part: a part of the data.
            every: whether to measure those metrics too that are measured on request alone.

        Returns:
            The metrics of the task. `remarks` has what was noticed.
        """
        self.network.eval()  # whatever its user did with it
        self.remarks = []
        with self._optimizer.precision():
            return judged(self.network, self.task, self.data, part, self._group, every=every, remarks=self.remarks)

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
def judged(
    network: Callable[..., Batch],
    task: Task,
    data: TaskData,
    part: Part,
    group: Group = ALONE,
    *,
    every: bool = False,
    remarks: list[str] | None = None,
) -> Metrics:
    """Evaluate a network, in the mode that it is in, on all examples of a part of the data.

    The processes of a group, with one network, each look at a share of the examples; all get the score of all examples.

    Args:
        network: maps normalised inputs to outputs.
        task: what is measured.
        data: what the task loaded.
        part: one of the parts of `data`.
        group: the processes that evaluate together.
        every: whether to measure those metrics too that are measured on request alone.
        remarks: gets what the meter noticed.

    Returns:
        The metrics of the task.
    """
    meter = task.meter(data, [metric.name for metric in task.metrics if every or not metric.on_request])
    run = carried(network) if isinstance(task, Sequential) and is_recurrent(network) else network

    def answers(inputs: Batch) -> Batch:
        return task.heads(called(run, inputs))[0]

    with fetched(part, _evaluated(task, data, part, group, is_carried=run is not network)) as coming:
        for inputs, targets in coming:
            check_time()
            outputs = task.applied(answers, laid_out(data.normalize(inputs), torch.channels_last), data)
            meter.add(outputs, targets)
    meter.merge(group, data.device)
    found = meter.result()
    if remarks is not None and isinstance(meter, Remarking):
        remarks += meter.remarks()
    return found


def _evaluated(task: Task, data: TaskData, part: Part, group: Group, *, is_carried: bool) -> Iterator[Tensor]:
    """The numbers of the examples of each batch of an evaluation that this process looks at."""
    if not isinstance(task, Sequential):
        mine = group.share(len(part))
        size = min(_EVALUATION_BATCH, task.most_at_once(data))
        for start in range(mine.start, mine.stop, size):
            yield torch.arange(start, min(start + size, mine.stop), device=data.device)
        return
    batches = task.batches(data, part, _EVALUATION_BATCH, carried=is_carried)
    mine = group.share(len(batches[0]))
    for rows in batches:
        if len(rows[mine]):
            yield rows[mine]


class Tally:
    """Sums the loss of a training epoch on the device, and measures the primary metric of the task.

    Args:
        meter: measures the outputs as the weights learn.
        device: the device of the batches.
    """

    def __init__(self, meter: Meter, device: torch.device) -> None:
        self._meter, self._device = meter, device
        self._loss = torch.zeros((), device=device)
        self._count = 0

    @classmethod
    def of(cls, task: Task, data: TaskData) -> Tally:
        """Make the tally of a task.

        Args:
            task: what is learned.
            data: what the task loaded.

        Returns:
            A tally without a batch.
        """
        names: Sequence[str] = () if task.primary == "loss" else (task.primary,)
        return cls(task.meter(data, names), data.device)

    def add(self, loss: Tensor, outputs: Batch, targets: Batch) -> None:
        """Add one batch.

        Args:
            loss: its mean loss, a scalar.
            outputs: outputs of the network, detached.
            targets: the targets of the same examples.
        """
        count = length(targets)
        self._loss += loss * count
        self._count += count
        self._meter.add(outputs, targets)

    def finite_score(self, epoch: int, group: Group = ALONE) -> Metrics:
        """Compute the score of a training epoch; waits for the device.

        Args:
            epoch: the epoch that has ended, for the message.
            group: the processes whose sums count together.

        Returns:
            The mean `loss` and the primary metric of the task.

        Raises:
            DivergedError: the loss is not a finite number.
        """
        self._meter.merge(group, self._device)
        total, count = self._loss, torch.tensor(self._count, device=self._device)
        if not group.alone:
            total, count = total.double(), count.double()
            group.sum_([total, count])
        loss = float(total) / int(count)
        if not math.isfinite(loss):
            raise DivergedError(f"the training loss is {loss} after epoch {epoch}; lower lr, or clip gradients")
        return {"loss": loss, **self._meter.result()}
