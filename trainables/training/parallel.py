"""Several processes that train one network together, each on a device of its own, with its share of every batch.

Whoever starts the processes initialises `torch.distributed` (nccl for GPUs, gloo for CPUs) and lets the trainable of
each join `Group.here()`. What the group promises its trainable: shares that are as equal as can be, sums that are the
same in all processes, and `GroupLostError` where another process is gone, so that a training can tell that from an
error of its own. DistributedDataParallel is not used: the gradients of one step travel as one tensor when all are
there, which costs the overlap with the backward pass and asks nothing of the network (dead branches, own hooks).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, distributed

from trainables.errors import GroupLostError, TrainableError

__all__ = ["ALONE", "Group", "check_together"]

_DEVICES = ("auto", "cpu", "cuda")
_LONGEST = 200


@dataclass(frozen=True, slots=True)
class Group:
    """The processes that train together. All call the same methods in the same order. Tensors change in place.

    Attributes:
        rank: the number of this process, from 0.
        size: the number of processes.

    Raises:
        GroupLostError: by every method that communicates: another process has left or died.
    """

    rank: int = 0
    size: int = 1

    @classmethod
    def here(cls) -> Group:
        """The group that `torch.distributed` was initialised with; `ALONE` where it was not.

        Returns:
            The group with which `torch.distributed` was initialised; `ALONE` where it was not.
        """
        if not (distributed.is_available() and distributed.is_initialized()):
            return ALONE
        return cls(distributed.get_rank(), distributed.get_world_size())

    @property
    def alone(self) -> bool:
        """Whether this process is all there is; then nothing is sent, and tensors stay as they are."""
        return self.size == 1

    def share(self, count: int) -> slice:
        """Divide things among the processes, as evenly as can be.

        Args:
            count: how many things there are.

        Returns:
            The positions of those of this process.
        """
        return slice(count * self.rank // self.size, count * (self.rank + 1) // self.size)

    def sum_(self, tensors: Iterable[Tensor]) -> None:
        """Replace each tensor by its sum over the processes.

        Args:
            tensors: of one shape and dtype each in all processes; they are changed.
        """
        if not self.alone:
            _each_kind(tensors, distributed.all_reduce)

    def mean_(self, tensors: Iterable[Tensor]) -> None:
        """Replace each floating tensor by its mean over the processes.

        Args:
            tensors: floating, of one shape and dtype each in all processes; they are changed.
        """
        tensors = list(tensors)
        self.sum_(tensors)
        for tensor in [] if self.alone else tensors:
            tensor.div_(self.size)

    def equalize_(self, tensors: Iterable[Tensor]) -> None:
        """Replace each tensor by that of process 0.

        Args:
            tensors: of one shape and dtype each in all processes; they are changed.
        """
        if not self.alone:
            _each_kind(tensors, lambda flat: distributed.broadcast(flat, src=0))

    def check_same(self, what: str, number: int, device: torch.device) -> None:
        """Check that a number is the same in this process and in process 0.

        Args:
            what: what is counted, for the message.
            number: the number in this process.
            device: the device on which the processes communicate.

        Raises:
            GroupLostError: the numbers differ.
        """
        first = torch.tensor(number, device=device)
        self.equalize_([first])
        if int(first) != number:
            raise GroupLostError(f"process {self.rank} has {what} {number}, process 0 has {int(first)}; start anew")

    def sum_gradients(self, weights: Sequence[Tensor]) -> None:
        """Replace the gradient of each weight by its sum over the processes.

        A weight that has none here keeps none: where all run the same network, no other process has one either.

        Args:
            weights: the weights that learn, in the same order in all processes.
        """
        if self.alone:
            return
        gradients = [torch.zeros_like(weight) if weight.grad is None else weight.grad for weight in weights]
        self.sum_(gradients)


ALONE = Group()
"""One process, on its own."""


def check_together(size: int, batch_size: int, device: str) -> None:
    """Check that several processes can train together.

    Args:
        size: the number of processes.
        batch_size: images a step, of all processes together.
        device: the setting `device`.

    Raises:
        TrainableError: a share of a batch would have fewer than two images, or all processes would use one GPU.
    """
    if batch_size < 2 * size:
        raise TrainableError(
            f"batch_size is {batch_size}, of which {size} devices would get fewer than 2 images each; "
            f"give at least {2 * size}, or fewer devices"
        )
    if size > 1 and device not in _DEVICES:
        raise TrainableError(
            f"device is {device!r}, and {size} processes train together, each on a device of its own; "
            f"give one of {', '.join(_DEVICES)}"
        )


@torch.no_grad()
def _each_kind(tensors: Iterable[Tensor], operation: Callable[[Tensor], object]) -> None:
    """Apply a collective operation once to all tensors of a dtype together."""
    kinds: dict[torch.dtype, list[Tensor]] = {}
    for tensor in tensors:
        kinds.setdefault(tensor.dtype, []).append(tensor)
    for same in kinds.values():
        flat = torch.cat([tensor.reshape(-1) for tensor in same])
        _guarded(operation, flat)
        for tensor, part in zip(same, torch.split(flat, [tensor.numel() for tensor in same]), strict=True):
            tensor.copy_(part.view(tensor.shape))


def _guarded(operation: Callable[[Tensor], object], flat: Tensor) -> None:
    try:
        operation(flat)
    except torch.OutOfMemoryError:
        raise
    except RuntimeError as error:
        # Back ends say in many words that a peer is gone; nothing else can go wrong with a dense tensor.
        what = str(error).partition("\n")[0][-_LONGEST:]
        raise GroupLostError(f"another process of the group is gone or hangs: {what}") from error
