"""Policies over the decisions of a space, taught by gradient ascent: a table of logits, and an LSTM.

Both begin even: every answer to a question is as likely as the others. They are small enough that NumPy runs and
teaches them in a tenth of the time that a deep-learning library needs, with the same numbers in every process.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from nas_tune.strategies.decision_steps import Batch

__all__ = ["Controller", "LSTMController", "Memory", "TableController", "Weigh"]

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
        gates: what the gates let through, (architectures, 4 units), in the order keep, write, show, news.
    """

    hidden: Array
    cell: Array
    last: Indices
    gates: Array


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
        self._last_answer = counts - 1
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
        logits = logits + self._outside[questions]
        logits[np.arange(len(questions)), self._last_answer[questions]] += leans
        logits -= logits.max(axis=1, keepdims=True)
        return memory, logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))

    def answered(self, memory: Memory, questions: Indices, answers: Indices) -> Memory:
        """The memory after these answers."""
        return Memory(memory.hidden, memory.cell, self._tokens[questions, answers] + 1, memory.gates)

    def log_probabilities(self, batch: Batch) -> Array:
        """Of the answers of a batch, (architectures, steps); 0 where a step is not active."""
        return self._chosen(self._run(batch)[1], batch) if batch.answers.size else np.zeros(batch.answers.shape)

    def teach(self, batch: Batch, weigh: Weigh, entropy: float, rate: float) -> None:
        """One step of Adam up the weighted log-probabilities of the batch's answers, and up the entropy."""
        if not batch.answers.size:
            return
        memories, told = self._run(batch)
        weights = weigh(self._chosen(told, batch)) * batch.active
        chances = np.exp(told)
        slope = -weights[:, :, None] * chances
        rows, columns = np.indices(batch.answers.shape)
        slope[rows, columns, batch.answers] += weights
        disorder = -(chances * told).sum(axis=2, keepdims=True)
        slope -= entropy * batch.active[:, :, None] * chances * (told + disorder)
        gradient = np.zeros_like(self.weights)
        self._backward(batch, memories, slope, self._views(gradient))
        self._climb(gradient, rate)

    @abstractmethod
    def _logits(self, memory: Memory, questions: Indices) -> tuple[Memory, Array]: ...

    @abstractmethod
    def _backward(self, batch: Batch, memories: list[Memory], slope: Array, gradient: dict[str, Array]) -> None: ...

    def _run(self, batch: Batch) -> tuple[list[Memory], Array]:
        memory, memories, told = self.begin(len(batch.answers)), [], []
        for column in range(batch.answers.shape[1]):
            memory, logs = self.step(memory, batch.questions[:, column], batch.leans[:, column])
            memories.append(memory)
            told.append(logs)
            memory = self.answered(memory, batch.questions[:, column], batch.answers[:, column])
        return memories, np.stack(told, axis=1)

    def _chosen(self, told: Array, batch: Batch) -> Array:
        chosen: Array = np.take_along_axis(told, batch.answers[:, :, None], axis=2)[:, :, 0]
        return chosen * batch.active

    def _climb(self, gradient: Array, rate: float) -> None:
        self._updates += 1
        self._mean = _MOMENTUM * self._mean + (1 - _MOMENTUM) * gradient
        self._square = _SQUARES * self._square + (1 - _SQUARES) * gradient**2
        mean = self._mean / (1 - _MOMENTUM**self._updates)
        square = self._square / (1 - _SQUARES**self._updates)
        self.weights += rate * mean / (np.sqrt(square) + _TINY)

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
        return Memory(empty, empty, np.zeros(architectures, np.int64), empty)

    def _logits(self, memory: Memory, questions: Indices) -> tuple[Memory, Array]:
        return memory, self._parts["bias"][self._tokens[questions]]

    def _backward(self, batch: Batch, memories: list[Memory], slope: Array, gradient: dict[str, Array]) -> None:
        np.add.at(gradient["bias"], self._tokens[batch.questions], slope)


class LSTMController(Controller):
    """An LSTM (Zoph and Le, arXiv 1611.01578): it is told the answer before and the question, and gives logits."""

    def __init__(self, answers: Sequence[int], units: int) -> None:
        tokens = sum(answers)
        shapes: dict[str, tuple[int, ...]] = {
            "answer": (tokens + 1, 4 * units),
            "question": (len(answers), 4 * units),
            "recurrent": (units, 4 * units),
            "output": (tokens, units),
        }
        super().__init__(answers, shapes)
        self._units = units
        rng = np.random.default_rng(0)
        for name in ("answer", "question", "recurrent"):
            self._parts[name][...] = rng.uniform(-0.1, 0.1, shapes[name])

    def begin(self, architectures: int) -> Memory:
        """As if nothing had been answered."""
        zeros = np.zeros((architectures, self._units))
        return Memory(zeros, zeros, np.zeros(architectures, np.int64), np.tile(zeros, 4))

    def _logits(self, memory: Memory, questions: Indices) -> tuple[Memory, Array]:
        parts, units = self._parts, self._units
        gates = parts["answer"][memory.last] + parts["question"][questions] + memory.hidden @ parts["recurrent"]
        gates[:, : 3 * units] = 1.0 / (1.0 + np.exp(-gates[:, : 3 * units]))
        gates[:, 3 * units :] = np.tanh(gates[:, 3 * units :])
        keep, write, show, news = self._split(gates)
        cell = keep * memory.cell + write * news
        hidden = show * np.tanh(cell)
        tokens = self._tokens[questions]
        logits = (parts["output"][tokens] @ hidden[:, :, None])[:, :, 0] + parts["bias"][tokens]
        return Memory(hidden, cell, memory.last, gates), logits

    def _split(self, gates: Array) -> tuple[Array, Array, Array, Array]:
        units = self._units
        return gates[:, :units], gates[:, units : 2 * units], gates[:, 2 * units : 3 * units], gates[:, 3 * units :]

    def _backward(self, batch: Batch, memories: list[Memory], slope: Array, gradient: dict[str, Array]) -> None:
        """Through time, from the last step to the first; `slope` is that of the logits."""
        tokens = self._tokens[batch.questions]
        hidden = np.stack([memory.hidden for memory in memories], axis=1)
        np.add.at(gradient["bias"], tokens, slope)
        np.add.at(gradient["output"], tokens, slope[:, :, :, None] * hidden[:, :, None, :])
        straight = (slope[:, :, None, :] @ self._parts["output"][tokens])[:, :, 0]
        start = self.begin(len(batch.answers))
        to_hidden, to_cell, into = start.hidden, start.cell, []
        for column in reversed(range(len(memories))):
            before = memories[column - 1] if column else start
            to_gates, to_cell = self._through(before, memories[column], to_hidden + straight[:, column], to_cell)
            gradient["recurrent"] += before.hidden.T @ to_gates
            to_hidden = to_gates @ self._parts["recurrent"].T
            into.append(to_gates)
        slopes = np.stack(into[::-1], axis=1)
        np.add.at(gradient["question"], batch.questions, slopes)
        np.add.at(gradient["answer"], np.stack([memory.last for memory in memories], axis=1), slopes)

    def _through(self, before: Memory, now: Memory, to_hidden: Array, to_cell: Array) -> tuple[Array, Array]:
        """The slopes of what went into the gates, and of the cell before."""
        keep, write, show, news = self._split(now.gates)
        shown = np.tanh(now.cell)
        to_cell = to_cell + to_hidden * show * (1.0 - shown**2)
        slopes = np.concatenate([to_cell * before.cell, to_cell * news, to_hidden * shown, to_cell * write], axis=1)
        gated = now.gates[:, : 3 * self._units]
        slopes[:, : 3 * self._units] *= gated * (1.0 - gated)
        slopes[:, 3 * self._units :] *= 1.0 - news**2
        return slopes, to_cell * keep
