"""Policies over the decisions of a space, taught by gradient ascent: what all have in common, and a table of logits.

A policy begins even: every answer to a question is as likely as the others. Policies are small enough that NumPy runs
and teaches them in a tenth of the time that a deep-learning library needs, with the same numbers in every process.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from nas_tune.strategies.decision_steps import Batch

__all__ = ["Array", "Controller", "Indices", "Memory", "TableController", "Trace", "Weigh"]

Array = NDArray[np.float64]
Indices = NDArray[np.int64]
Weigh = Callable[[Array], Array]
"""From the log-probabilities of a batch's answers, (architectures, steps), to how much each is to be strengthened."""

_NEVER = -1e9
_MOMENTUM, _SQUARES, _TINY = 0.9, 0.999, 1e-8


@dataclass(frozen=True, slots=True)
class Memory:
    """What an LSTM knows of the architectures that it is in the middle of, a row for each.

    Attributes:
        hidden, cell: (architectures, units).
        last: the answer before, counted from 1 among all answers to all questions; 0 before the first.
    """

    hidden: Array
    cell: Array
    last: Indices


@dataclass(frozen=True, slots=True)
class Trace:
    """What an LSTM went through on its way along a batch; the first axis is that of the steps.

    Attributes:
        last: as in `Memory`, (steps, architectures).
        gates: what the gates let through, (steps, architectures, 4 units), in the order keep, write, show, news.
        cells, hiddens: before the first step and after each, (steps + 1, architectures, units).
        shown: the hyperbolic tangents of the cells after each step.
    """

    last: Indices
    gates: Array
    cells: Array
    hiddens: Array
    shown: Array


class Controller(ABC):
    """A distribution over architectures, one decision after another.

    Its weights are one flat vector, so that Adam (arXiv 1412.6980) changes them all at once; the parts are views.
    """

    def __init__(self, answers: Sequence[int], shapes: dict[str, tuple[int, ...]]) -> None:
        counts = np.asarray(answers, dtype=np.int64)
        first = np.concatenate([[0], np.cumsum(counts)])
        column = np.arange(counts.max(initial=1))
        inside = column < counts[:, None]
        self._tokens = np.where(inside, first[:-1, None] + column, 0)
        self._outside = np.where(inside, 0.0, _NEVER)
        self._is_last = (column == counts[:, None] - 1).astype(float)
        self._shapes = {"bias": (int(first[-1]),), **shapes}
        self._take(np.zeros(sum(int(np.prod(shape)) for shape in self._shapes.values())))
        self._mean, self._square, self._updates = np.zeros_like(self.weights), np.zeros_like(self.weights), 0

    def copy(self) -> Self:
        """Another one that knows the same, to be taught on its own."""
        other = type(self).__new__(type(self))
        other.__dict__.update(self.__dict__)
        other._take(self.weights.copy())
        return other

    @abstractmethod
    def begin(self, architectures: int) -> Memory:
        """The memory before the first decision."""

    def step(self, memory: Memory, questions: Indices, leans: Array) -> tuple[Memory, Array]:
        """The memory after these questions, and the log-probabilities of their answers, (architectures, most)."""
        memory, logits = self._logits(memory, questions)
        return memory, self._normalized(logits, questions, leans)

    def answered(self, memory: Memory, questions: Indices, answers: Indices) -> Memory:
        """The memory after these answers."""
        return Memory(memory.hidden, memory.cell, self._tokens[questions, answers] + 1)

    def log_probabilities(self, batch: Batch) -> Array:
        """Of the answers of a batch, (architectures, steps); 0 where a step is not active."""
        return self._chosen(self._told(batch)[1], batch) if batch.answers.size else np.zeros(batch.answers.shape)

    def teach(self, batch: Batch, weigh: Weigh, entropy: float, rate: float) -> None:
        """One step of Adam up the weighted log-probabilities of the batch's answers, and up the entropy."""
        if not batch.answers.size:
            return
        trace, told = self._told(batch)
        weights = weigh(self._chosen(told, batch)) * batch.active
        chances = np.exp(told)
        slope = -weights[:, :, None] * chances
        rows, columns = np.indices(batch.answers.shape)
        slope[rows, columns, batch.answers] += weights
        disorder = -(chances * told).sum(axis=2, keepdims=True)
        slope -= entropy * batch.active[:, :, None] * chances * (told + disorder)
        gradient = np.zeros_like(self.weights)
        self._backward(batch, trace, slope, self._views(gradient))
        self._climb(gradient, rate)

    @abstractmethod
    def _logits(self, memory: Memory, questions: Indices) -> tuple[Memory, Array]: ...

    @abstractmethod
    def _forward(self, batch: Batch) -> tuple[Trace | None, Array]:
        """What it went through, and the logits of every step's answers, (architectures, steps, most)."""

    @abstractmethod
    def _backward(self, batch: Batch, trace: Trace | None, slope: Array, gradient: dict[str, Array]) -> None:
        """Add the gradient of the weights; `slope` is that of the logits."""

    def _told(self, batch: Batch) -> tuple[Trace | None, Array]:
        trace, logits = self._forward(batch)
        return trace, self._normalized(logits, batch.questions, batch.leans)

    def _normalized(self, logits: Array, questions: Indices, leans: Array) -> Array:
        """Log-probabilities along the last axis."""
        logits = logits + self._outside[questions]
        if leans.any():
            logits += leans[..., None] * self._is_last[questions]
        logits -= logits.max(axis=-1, keepdims=True)
        logits -= np.log(np.exp(logits).sum(axis=-1, keepdims=True))
        return logits

    def _chosen(self, told: Array, batch: Batch) -> Array:
        chosen: Array = np.take_along_axis(told, batch.answers[:, :, None], axis=2)[:, :, 0]
        return chosen * batch.active

    def _climb(self, gradient: Array, rate: float) -> None:
        """Adam. Copies share what is made anew here; the rest happens in place, which takes a third of the time."""
        self._updates += 1
        self._mean = _MOMENTUM * self._mean
        self._square = _SQUARES * self._square
        self._mean += (1 - _MOMENTUM) * gradient
        gradient *= gradient
        gradient *= 1 - _SQUARES
        self._square += gradient
        spread = np.sqrt(self._square, out=gradient)
        spread *= (1 - _SQUARES**self._updates) ** -0.5
        spread += _TINY
        step = np.divide(self._mean, spread, out=spread)
        step *= rate / (1 - _MOMENTUM**self._updates)
        self.weights += step

    def _take(self, weights: Array) -> None:
        self.weights = weights
        self._parts = self._views(weights)

    def _views(self, vector: Array) -> dict[str, Array]:
        views, start = {}, 0
        for name, shape in self._shapes.items():
            end = start + int(np.prod(shape))
            views[name] = vector[start:end].reshape(shape)
            start = end
        return views


class TableController(Controller):
    """A logit for each answer, whatever was decided before (as the baseline of NAS-Bench-201, arXiv 2001.00326)."""

    def __init__(self, answers: Sequence[int]) -> None:
        super().__init__(answers, {})

    def begin(self, architectures: int) -> Memory:
        """Nothing to remember."""
        empty = np.zeros((architectures, 0))
        return Memory(empty, empty, np.zeros(architectures, np.int64))

    def _logits(self, memory: Memory, questions: Indices) -> tuple[Memory, Array]:
        return memory, self._parts["bias"][self._tokens[questions]]

    def _forward(self, batch: Batch) -> tuple[None, Array]:
        return None, self._parts["bias"][self._tokens[batch.questions]]

    def _backward(self, batch: Batch, trace: Trace | None, slope: Array, gradient: dict[str, Array]) -> None:
        np.add.at(gradient["bias"], self._tokens[batch.questions], slope)
