"""The peak memory of a network: the most bytes of values that are alive at the same time in a forward of one example.

A value is alive from the operation that computes it to the last one that reads it; an input from the beginning, an
output to the end. Views and in-place results have no memory of their own. Weights and buffers do not count: they are
the quantity `size`. Nothing is computed: the forward runs on the meta device, which has shapes and no numbers.

An engine that plans its memory, such as onnxruntime or one for microcontrollers, does two things more. What depends on
no input is computed in advance and is then a weight. An operation on each number by itself (an activation function, a
sum, a normalisation after training) writes its result over an input that nothing reads later. With `eager` neither is
done, as in PyTorch itself.

The workspace inside of an operation is not seen, and a program that keeps a value in a variable holds it longer:
PyTorch held up to 6 times the eager peak, and the optimised graph of onnxruntime 0.7 to 1.3 times the planned one (the
page "hardware" of the site).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.utils._python_dispatch import TorchDispatchMode

from trainables.costs.cost import evaluating, tensors_in
from trainables.training.batches import Batch, mapped, tensors_of, with_length

__all__ = ["WIDTHS", "peak_memory", "peaks"]

WIDTHS = {"float32": 4, "float16": 2, "int8": 1}
"""Bytes of a number of a network, by precision."""

_BY_NUMBER = ("batch_norm", "hardswish", "prelu")
"""Parts of the names of operations that work on each number by itself and that torch does not mark so."""


def peak_memory(network: nn.Module, inputs: Batch, precision: str = "float32", *, eager: bool = False) -> int:
    """Count the peak memory of a network.

    Args:
        network: the network. It is not changed, and may be on any device, also on the meta device.
        inputs: inputs as the network takes them, (n, ...); one example of them is counted.
        precision: of the values that are floats, a key of `WIDTHS`. Other values keep their size.
        eager: count what PyTorch needs, and not an engine that plans its memory.

    Returns:
        The bytes for one example in evaluation mode.
    """
    return _lives(network, inputs).peak(WIDTHS[precision], eager=eager)


def peaks(network: nn.Module, inputs: Batch) -> tuple[int, int]:
    """Count the peak memory of a network in float32 with and without a plan, by one forward.

    Args:
        network: as for `peak_memory`.
        inputs: as for `peak_memory`.

    Returns:
        The bytes for an engine that plans its memory, and for PyTorch.
    """
    lives = _lives(network, inputs)
    return lives.peak(WIDTHS["float32"], eager=False), lives.peak(WIDTHS["float32"], eager=True)


def _lives(network: nn.Module, inputs: Batch) -> _Lives:
    one = with_length(mapped(lambda tensor: tensor.detach(), inputs), 1)
    with evaluating(network), torch.no_grad():
        try:
            return _traced(network, mapped(lambda tensor: tensor.to("meta"), one), torch.device("meta"))
        except (RuntimeError, NotImplementedError):
            # Its forward makes tensors on a device of its choice, or asks for values.
            own = next(itertools.chain(network.parameters(), network.buffers()), torch.empty(0)).device
            return _traced(network, mapped(lambda tensor: tensor.to(own), one), own)


def _traced(network: nn.Module, inputs: Batch, device: torch.device) -> _Lives:
    """Run a network on a device, and record which values live when."""
    tensors = dict(network.named_parameters()) | dict(network.named_buffers())
    if device.type == "meta":
        tensors = {name: torch.empty_like(tensor, device=device) for name, tensor in tensors.items()}
    arguments, named = ((), inputs) if isinstance(inputs, dict) else (inputs, {})
    arguments = (arguments,) if isinstance(arguments, Tensor) else arguments
    lives = _Lives(list(tensors.values()), tensors_of(inputs))
    with lives:
        outputs = functional_call(network, tensors, arguments, named)
    lives.end(outputs)
    return lives


@dataclass(slots=True)
class _Life:
    """The memory of a value: from the first to the last operation that touches it, and its size.

    Attributes:
        first: the number of the operation that makes it; 0 for an input.
        last: the number of the last operation that touches it.
        floats: how many numbers it has, if these are floats.
        others: its bytes, if they are not.
        varies: whether it depends on an input of the network.
        over: the memories over which an engine could write it.
    """

    first: int
    last: int
    floats: int
    others: int
    varies: bool
    over: list[int]


class _Lives(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Numbers the operations, and records when the memory of each value is made and touched last."""

    def __init__(self, weights: list[Tensor], inputs: list[Tensor]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        # All storages are held, so that none gets the identity of another; on the meta device they are empty.
        self._held = [tensor.untyped_storage() for tensor in weights]
        self._weights = {storage._cdata for storage in self._held}
        self._lives: dict[int, _Life] = {}
        self._step = 0
        for tensor in inputs:
            self._touch(tensor, varies=True)

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        result = func(*args, **kwargs)
        self._step += 1
        given = [self._touch(tensor, varies=False) for tensor in tensors_in((*args, *kwargs.values()))]
        varies = any(key in self._lives and self._lives[key].varies for key in given)
        by_number = torch.Tag.pointwise in func.tags or any(name in func.__name__ for name in _BY_NUMBER)
        for tensor in tensors_in((result,)):
            self._touch(tensor, varies=varies, over=given if by_number else ())
        return result

    def end(self, outputs: Any) -> None:
        """Let the outputs live to the end."""
        self._step += 1
        for tensor in tensors_in(tuple(_leaves(outputs))):
            self._touch(tensor, varies=True)

    def peak(self, width: int, *, eager: bool) -> int:
        """The most bytes that live at the same time, where a float takes `width` bytes."""
        lives = self._lives
        ends = {key: life.last for key, life in lives.items()}
        for key, life in lives.items() if not eager else ():
            written = next((one for one in life.over if self._is_free(one, key, ends)), None)
            if written is not None:
                ends[written] -= 1
        change = [0] * (self._step + 2)
        for key, life in lives.items():
            if life.varies or eager:
                size = life.floats * width + life.others
                change[life.first] += size
                change[ends[key] + 1] -= size
        return max(itertools.accumulate(change))

    def _is_free(self, key: int, by: int, ends: dict[int, int]) -> bool:
        """Whether a memory ends where another one begins that fits into it. An input belongs to the caller."""
        life, new = self._lives.get(key), self._lives[by]
        if life is None or key == by or not life.varies or life.first == 0:
            return False
        return ends[key] == new.first and (life.floats, life.others) == (new.floats, new.others)

    def _touch(self, tensor: Tensor, *, varies: bool, over: Any = ()) -> int:
        """Record that the present operation reads or makes a value; returns the identity of its memory."""
        storage = tensor.untyped_storage()
        key = int(storage._cdata)
        if key in self._weights:
            return key
        if key in self._lives:
            self._lives[key].last = self._step
            self._lives[key].varies |= varies
            return key
        self._held.append(storage)
        size = storage.nbytes()
        floats = size // tensor.element_size() if tensor.is_floating_point() else 0
        self._lives[key] = _Life(self._step, self._step, floats, 0 if floats else size, varies, list(over))
        return key


def _leaves(outputs: Any) -> Iterator[Any]:
    """The values of outputs in tuples, lists and dicts, however nested."""
    if isinstance(outputs, dict):
        outputs = tuple(outputs.values())
    if not isinstance(outputs, tuple | list):
        yield outputs
        return
    for part in outputs:
        yield from _leaves(part)
