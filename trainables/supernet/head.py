"""A head for each path: the last linear layer, refitted by ridge regression to what the path computes.

All paths of a supernet share one head, which suits none of them exactly, and those that were rarely trained least. A
path that is judged with a head of its own is judged by what its features are worth. The targets of the regression are
those of the task, such as 1 for the class of an image and 0 for the others. Its penalty is the one of `PENALTIES` with
the least generalized cross-validation error (Golub, Heath and Wahba 1979, Technometrics 21).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from trainables.errors import TrainableError
from trainables.tasks.task import Refitting, Task, TaskData

__all__ = ["PENALTIES", "RefittedHead", "refitting", "ridge"]

PENALTIES = tuple(10.0**power for power in range(-4, 2))
"""Shares of the mean square of the features."""


class RefittedHead:
    """The head of a supernet, which has other weights for each path while this is judged.

    Args:
        module: the supernet.
        task: what is learned.
        data: what the task loaded.
        outputs_of: computes the outputs of a path, to find the layer from which they come.

    Raises:
        TrainableError: the task has no targets of a regression, or the outputs are not those of a linear layer.
    """

    def __init__(self, module: nn.Module, task: Task, data: TaskData, outputs_of: Callable[[], object]) -> None:
        self._task, self._data = refitting(task), data
        self._linear = _last_linear(module, outputs_of)
        self._features: list[Tensor] = []

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Keep what the head reads in the block: features of the examples to which it is then fitted.

        Yields:
            Nothing.
        """
        self._features = []
        hook = self._linear.register_forward_pre_hook(lambda _, given: self._features.append(given[0].detach()))
        try:
            yield
        finally:
            hook.remove()

    @contextmanager
    def fitted(self, targets: Any) -> Iterator[None]:
        """Have the head that fits what was read, for the duration of a block.

        Args:
            targets: of the examples whose features were read, in their order.

        Yields:
            Nothing.
        """
        wanted = self._task.regressed(targets, self._data)
        weight, bias = ridge(torch.cat(self._features), wanted)
        self._features = []
        linear = self._linear
        before = [parameter.detach().clone() for parameter in linear.parameters()]
        with torch.no_grad():
            linear.weight.copy_(weight)
            linear.bias.copy_(bias)
        try:
            yield
        finally:
            with torch.no_grad():
                for parameter, value in zip(linear.parameters(), before, strict=True):
                    parameter.copy_(value)


def refitting(task: Task) -> Refitting:
    """Check that a head can be refitted to the targets of a task.

    Args:
        task: what is learned.

    Returns:
        The task.

    Raises:
        TrainableError: the task has no targets of a regression.
    """
    if not isinstance(task, Refitting):
        raise TrainableError(
            f"refit_head is True, and the task {task.name} has no targets that a linear head can be fitted to; leave "
            "it out"
        )
    return task


def ridge(features: Tensor, wanted: Tensor) -> tuple[Tensor, Tensor]:
    """Fit a linear layer by ridge regression, with the penalty that generalized cross-validation prefers.

    Args:
        features: (n, k).
        wanted: (n, outputs).

    Returns:
        The weight (outputs, k) and the bias (outputs,), which has no penalty.
    """
    x, y = features.double(), wanted.double()
    center, mean = x.mean(0), y.mean(0)
    left, values, right = torch.linalg.svd(x - center, full_matrices=False)
    turned = left.T @ (y - mean)
    outside = (y - mean).square().sum() - turned.square().sum()
    count, scale = len(x), values.square().sum() / max(1, x.shape[1])
    errors, kept = [], []
    for penalty in PENALTIES:
        shrunk = values.square() / (values.square() + penalty * scale).clamp(min=1e-30)
        missed = outside + ((1 - shrunk)[:, None] * turned).square().sum()
        freedom = count - 1 - shrunk.sum()
        errors.append(float(missed / freedom.clamp(min=1).square()))
        kept.append(shrunk)
    shrunk = kept[min(range(len(PENALTIES)), key=errors.__getitem__)]
    divided = torch.where(values > 0, shrunk / values.clamp(min=1e-30), torch.zeros_like(values))
    weight = (right.T @ (divided[:, None] * turned)).T
    return weight.to(features.dtype), (mean - weight @ center).to(features.dtype)


def _last_linear(module: nn.Module, outputs_of: Callable[[], object]) -> nn.Linear:
    seen: list[tuple[nn.Linear, Tensor]] = []
    linears = [part for part in module.modules() if isinstance(part, nn.Linear)]
    hooks = [one.register_forward_hook(lambda part, _, out: seen.append((part, out))) for one in linears]
    try:
        with torch.no_grad():
            outputs = outputs_of()
    finally:
        for hook in hooks:
            hook.remove()
    found = next((part for part, out in reversed(seen) if out is outputs), None)
    if found is None or found.bias is None:
        raise TrainableError(
            "refit_head is True, and the outputs of the network are not those of a linear layer with a bias; leave it "
            "out"
        )
    return found
