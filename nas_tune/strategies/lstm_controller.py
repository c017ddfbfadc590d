"""A policy with a memory: an LSTM (Zoph and Le, arXiv 1611.01578) over the decisions of an architecture.

What is taught is known beforehand, so all but the way from step to step is worked out for all steps at once.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nas_tune.strategies.controllers import Array, Controller, Indices, Memory, Trace
from nas_tune.strategies.decision_steps import Batch

__all__ = ["LSTMController"]


class LSTMController(Controller):
    """Its input is the previous answer and the question, its output logits."""

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
        # With tanh a sigmoid is sigmoid(x) = tanh(x / 2) / 2 + 1 / 2, so that all gates are let through at a stroke.
        self._halves = np.repeat([0.5, 1.0], [3 * units, units])
        rng = np.random.default_rng(0)
        for name in ("answer", "question", "recurrent"):
            self._parts[name][...] = rng.uniform(-0.1, 0.1, shapes[name])

    def begin(self, architectures: int) -> Memory:
        """As if nothing had been answered."""
        zeros = np.zeros((architectures, self._units))
        return Memory(zeros, zeros, np.zeros(architectures, np.int64))

    def _logits(self, memory: Memory, questions: Indices) -> tuple[Memory, Array]:
        parts = self._parts
        gates = parts["answer"][memory.last] + parts["question"][questions] + memory.hidden @ parts["recurrent"]
        keep, write, show, news = self._split(self._let_through(gates))
        cell = keep * memory.cell + write * news
        hidden = show * np.tanh(cell)
        return Memory(hidden, cell, memory.last), self._said(hidden, self._tokens[questions])

    def _forward(self, batch: Batch) -> tuple[Trace, Array]:
        parts, tokens = self._parts, self._tokens[batch.questions]
        count, steps = batch.answers.shape
        last = np.zeros((steps, count), np.int64)
        last[1:] = self._tokens[batch.questions, batch.answers].T[:-1] + 1
        gates = parts["answer"][last] + parts["question"][batch.questions.T]
        cells, hiddens = np.zeros((2, steps + 1, count, self._units))
        shown = np.empty((steps, count, self._units))
        for step in range(steps):
            gates[step] += hiddens[step] @ parts["recurrent"]
            keep, write, show, news = self._split(self._let_through(gates[step]))
            np.multiply(keep, cells[step], out=cells[step + 1])
            cells[step + 1] += write * news
            np.tanh(cells[step + 1], out=shown[step])
            np.multiply(show, shown[step], out=hiddens[step + 1])
        logits = self._said(hiddens[1:].swapaxes(0, 1), tokens)
        return Trace(last, gates, cells, hiddens, shown), logits

    def _let_through(self, gates: Array) -> Array:
        """In place: sigmoids of what keeps, writes and shows, tanh of the news."""
        gates *= self._halves
        np.tanh(gates, out=gates)
        gates *= self._halves
        gates[:, : 3 * self._units] += 0.5
        return gates

    def _said(self, hidden: Array, tokens: Indices) -> Array:
        said: Array = np.take_along_axis(hidden @ self._parts["output"].T + self._parts["bias"], tokens, axis=-1)
        return said

    def _split(self, gates: Array) -> tuple[Array, Array, Array, Array]:
        units = self._units
        return (
            gates[..., :units],
            gates[..., units : 2 * units],
            gates[..., 2 * units : 3 * units],
            gates[..., 3 * units :],
        )

    def _backward(self, batch: Batch, trace: Trace | None, slope: Array, gradient: dict[str, Array]) -> None:
        if trace is None:
            return
        units, said = self._units, self._of_all_answers(batch, slope)
        gradient["bias"] += said.sum(axis=(0, 1))
        gradient["output"] += said.reshape(-1, said.shape[-1]).T @ trace.hiddens[1:].reshape(-1, units)
        slopes = self._through_time(trace, said @ self._parts["output"])
        gradient["recurrent"] += trace.hiddens[:-1].reshape(-1, units).T @ slopes.reshape(-1, 4 * units)
        np.add.at(gradient["question"], batch.questions.T, slopes)
        np.add.at(gradient["answer"], trace.last, slopes)

    def _of_all_answers(self, batch: Batch, slope: Array) -> Array:
        """The slopes of the logits with a place for every answer to every question, (steps, architectures, answers)."""
        tokens = self._tokens[batch.questions.T]
        steps, count, _ = tokens.shape
        said = np.zeros((steps, count, len(self._parts["bias"])))
        # Places that a question has no answer for stand for the first answer of all, and have no slope.
        np.add.at(said, (np.arange(steps)[:, None, None], np.arange(count)[:, None], tokens), slope.swapaxes(0, 1))
        return said

    def _through_time(self, trace: Trace, straight: Array) -> Array:
        """The slopes of what went into the gates; `straight` are those of the hidden states, from the logits alone."""
        keep, write, show, news = self._split(trace.gates)
        steps, count, units = trace.shown.shape
        to_gates = np.empty((steps, count, 4, units))
        to_gates[:, :, 0] = trace.cells[:-1] * keep * (1.0 - keep)
        to_gates[:, :, 1] = news * write * (1.0 - write)
        to_gates[:, :, 2] = trace.shown * show * (1.0 - show)
        to_gates[:, :, 3] = write * (1.0 - news**2)
        uncovered = show * (1.0 - trace.shown**2)
        slopes = to_gates.reshape(steps, count, 4 * units)
        back = np.ascontiguousarray(self._parts["recurrent"].T)
        to_hidden, to_cell = np.zeros((2, count, units))
        for step in range(steps - 1, -1, -1):
            to_hidden = to_hidden + straight[step]
            to_cell += to_hidden * uncovered[step]
            to_gates[step, :, :2] *= to_cell[:, None]
            to_gates[step, :, 2] *= to_hidden
            to_gates[step, :, 3] *= to_cell
            to_hidden = slopes[step] @ back
            to_cell *= keep[step]
        return slopes
