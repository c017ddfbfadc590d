"""Recurrent networks over consecutive batches: the state after one batch is the state before the next.

Such a network has a method `unroll(inputs, state) -> (outputs, state)`. Gradients end between two batches (truncated
backpropagation through time).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor

from trainables.training.batches import Batch, length, mapped

__all__ = ["Sequential", "carried", "is_recurrent"]


@runtime_checkable
class Sequential(Protocol):
    """A task whose examples follow each other, as those of a text do. It says which of them are in which batch.

    A recurrent network carries its state from batch to batch. Its `unroll` gets None at first; dimension 0 of each
    tensor of a state counts the examples.
    """

    def batches(
        self, data: Any, part: Any, size: int, *, carried: bool, generator: torch.Generator | None = None
    ) -> Sequence[Tensor]:
        """Order the examples of a training epoch, or of an evaluation.

        Args:
            data: what `load` returned.
            part: a part of the data.
            size: the most examples of a batch.
            carried: whether row j of a batch must go on where row j of the batch before ends. A later batch may then
                lack the last rows.
            generator: random numbers for a training epoch. None asks for all examples in the order of an evaluation,
                which does not depend on `size` where the state is carried.

        Returns:
            The numbers of the examples of each batch, (k,), int64.
        """


def is_recurrent(network: object) -> bool:
    """Check whether a network carries a state.

    Args:
        network: a module, or another function of inputs.

    Returns:
        Whether it has a method `unroll`.
    """
    return callable(getattr(network, "unroll", None))


def carried(network: object) -> Callable[[Batch], Batch]:
    """Make a function that runs a recurrent network on consecutive batches, from no state on.

    Args:
        network: has a method `unroll`.

    Returns:
        A function of inputs that returns outputs. Row j of its inputs goes on where row j of the call before ended;
        later calls may lack the last rows.
    """
    unroll = network.unroll  # type: ignore[attr-defined]  # the caller has asked `is_recurrent`
    state: Batch = None

    def run(inputs: Batch) -> Batch:
        nonlocal state
        count = length(inputs)
        before = None if state is None else mapped(lambda one: one[:count], state)
        outputs, after = unroll(inputs, before)
        state = mapped(Tensor.detach, after)
        return outputs

    return run
