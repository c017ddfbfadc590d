"""Policies over the decisions of a space, trained by gradient ascent: their base class, and a table of logits.

Every action of a decision is equally likely at first. Policies are so small that NumPy runs and trains them in a tenth
of the time that a deep-learning library takes, with the same numbers in every process.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from nas_tune.strategies.decision_steps import StepBatch

__all__ = ["Array", "Controller", "Indices", "Memory", "TableController", "Trace", "Weigh"]

Array = NDArray[np.float64]
Indices = NDArray[np.int64]
Weigh = Callable[[Array], Array]
"""Maps the log-probabilities of a batch's actions, shape (architectures, steps), to the weights of their gradients."""

_NEVER = -1e9
_MOMENTUM, _SQUARES, _TINY = 0.9, 0.999, 1e-8


@dataclass(frozen=True, slots=True)
class Memory:
    """The state of a policy in the middle of several architectures, one row for each.

    Attributes:
        hidden, cell: the state of the LSTM, shape (architectures, units).
        last: the token of the last action, shape (architectures,): tokens number the actions of all decisions from 1; 0
            stands for no action yet.
    """

    hidden: Array
    cell: Array
    last: Indices


@dataclass(frozen=True, slots=True)
class Trace:
    """The forward pass of an LSTM over a batch, kept for the backward pass; the first axis is that of the steps.

    Attributes:
        last: as in `Memory`, shape (steps, architectures).
        gates: the activated gates, shape (steps, architectures, 4 units), in the order forget, input, output,
            candidate.
        cells, hiddens: the states before the first step and after each, shape (steps + 1, architectures, units).
        cell_tanh: the hyperbolic tangents of the cells after each step, shape (steps, architectures, units).
    """

    last: Indices
    gates: Array
    cells: Array
    hiddens: Array
    cell_tanh: Array


class Controller(ABC):
    """A distribution over architectures, one decision after another.

    Its weights are one flat vector, so that Adam (arXiv 1412.6980) updates all at once; the named parts are views of
    it.

    Args:
        actions: the number of actions of each decision.
        shapes: the shapes of the weights by name, beside the biases of the logits.
    """

    def __init__(self, actions: Sequence[int], shapes: dict[str, tuple[int, ...]]) -> None:
        counts = np.asarray(actions, dtype=np.int64)
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
        """Return a copy that can be trained independently."""
        other = type(self).__new__(type(self))
        other.__dict__.update(self.__dict__)
        other._take(self.weights.copy())
        return other

    @abstractmethod
    def begin(self, architectures: int) -> Memory:
        """Make the memory before the first decision.

        Args:
            architectures: how many architectures are drawn together.

        Returns:
            The memory, one row for each.
        """

    def step(self, memory: Memory, decisions: Indices, offsets: Array) -> tuple[Memory, Array]:
        """Run the policy for one decision of each architecture.

        Args:
            memory: the memory after the last actions.
            decisions: the index of each architecture's decision, shape (architectures,).
            offsets: what is added to the logit of its last action, shape (architectures,).

        Returns:
            The memory after the step, and the log-probabilities of the actions, shape (architectures, most actions).
        """
        memory, logits = self._logits(memory, decisions)
        return memory, self._normalized(logits, decisions, offsets)

    def after(self, memory: Memory, decisions: Indices, actions: Indices) -> Memory:
        """Store the actions that were taken.

        Args:
            memory: the memory from `step`.
            decisions: the index of each architecture's decision, shape (architectures,).
            actions: the index of its action, shape (architectures,).

        Returns:
            The memory after the actions.
        """
        return Memory(memory.hidden, memory.cell, self._tokens[decisions, actions] + 1)

    def log_probabilities(self, batch: StepBatch) -> Array:
        """Compute the log-probabilities of the actions of a batch.

        Args:
            batch: the architectures.

        Returns:
            The log-probabilities, shape (architectures, steps); 0 where a step is not active.
        """
        return (
            self._chosen(self._all_log_probabilities(batch)[1], batch)
            if batch.actions.size
            else np.zeros(batch.actions.shape)
        )

    def teach(self, batch: StepBatch, weigh: Weigh, entropy: float, rate: float) -> None:
        """Take one step of Adam to increase the weighted log-probabilities of a batch's actions, and the entropy.

        Args:
            batch: the architectures.
            weigh: computes the weights of the log-probabilities, shape (architectures, steps).
            entropy: the weight of the entropy of every step.
            rate: the learning rate.
        """
        if not batch.actions.size:
            return
        trace, log_probabilities = self._all_log_probabilities(batch)
        weights = weigh(self._chosen(log_probabilities, batch)) * batch.active
        probabilities = np.exp(log_probabilities)
        slope = -weights[:, :, None] * probabilities
        rows, columns = np.indices(batch.actions.shape)
        slope[rows, columns, batch.actions] += weights
        entropies = -(probabilities * log_probabilities).sum(axis=2, keepdims=True)
        slope -= entropy * batch.active[:, :, None] * probabilities * (log_probabilities + entropies)
        gradient = np.zeros_like(self.weights)
        self._backward(batch, trace, slope, self._views(gradient))
        self._adam_step(gradient, rate)

    @abstractmethod
    def _logits(self, memory: Memory, decisions: Indices) -> tuple[Memory, Array]: ...

    @abstractmethod
    def _forward(self, batch: StepBatch) -> tuple[Trace | None, Array]:
        """Run a batch; return its trace and the logits of all steps, shape (architectures, steps, most actions)."""

    @abstractmethod
    def _backward(self, batch: StepBatch, trace: Trace | None, slope: Array, gradient: dict[str, Array]) -> None:
        """Add the gradient of the weights to `gradient`; `slope` is the gradient of the logits."""

    def _all_log_probabilities(self, batch: StepBatch) -> tuple[Trace | None, Array]:
        trace, logits = self._forward(batch)
        return trace, self._normalized(logits, batch.decisions, batch.offsets)

    def _normalized(self, logits: Array, decisions: Indices, offsets: Array) -> Array:
        """Compute log-probabilities along the last axis."""
        logits = logits + self._outside[decisions]
        if offsets.any():
            logits += offsets[..., None] * self._is_last[decisions]
        logits -= logits.max(axis=-1, keepdims=True)
        logits -= np.log(np.exp(logits).sum(axis=-1, keepdims=True))
        return logits

    def _chosen(self, log_probabilities: Array, batch: StepBatch) -> Array:
        chosen: Array = np.take_along_axis(log_probabilities, batch.actions[:, :, None], axis=2)[:, :, 0]
        return chosen * batch.active

    def _adam_step(self, gradient: Array, rate: float) -> None:
        """Take a step of Adam. Moments are replaced, since copies share them; the rest is in place, which is faster."""
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
    """A logit for each action, independent of earlier decisions (as the baseline of NAS-Bench-201, arXiv 2001.00326).

    Args:
        actions: the number of actions of each decision.
    """

    def __init__(self, actions: Sequence[int]) -> None:
        super().__init__(actions, {})

    def begin(self, architectures: int) -> Memory:
        """Make an empty memory: a table remembers nothing."""
        empty = np.zeros((architectures, 0))
        return Memory(empty, empty, np.zeros(architectures, np.int64))

    def _logits(self, memory: Memory, decisions: Indices) -> tuple[Memory, Array]:
        return memory, self._parts["bias"][self._tokens[decisions]]

    def _forward(self, batch: StepBatch) -> tuple[None, Array]:
        return None, self._parts["bias"][self._tokens[batch.decisions]]

    def _backward(self, batch: StepBatch, trace: Trace | None, slope: Array, gradient: dict[str, Array]) -> None:
        np.add.at(gradient["bias"], self._tokens[batch.decisions], slope)
