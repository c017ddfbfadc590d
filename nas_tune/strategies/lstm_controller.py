"""A policy with a memory: an LSTM (Zoph and Le, arXiv 1611.01578) over the decisions of an architecture.

The actions of a batch are known beforehand, so only the recurrence runs step by step; all else is computed for all
steps at once.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nas_tune.strategies.controllers import Array, Controller, Indices, Memory, Trace
from nas_tune.strategies.decision_steps import StepBatch

__all__ = ["LSTMController"]


class LSTMController(Controller):
    """An LSTM whose inputs are the last action and the current decision, and whose outputs are logits.

    Args:
        actions: the number of actions of each decision.
        units: the size of the hidden state.
    """

    def __init__(self, actions: Sequence[int], units: int) -> None:
        tokens = sum(actions)
        shapes: dict[str, tuple[int, ...]] = {
            "action": (tokens + 1, 4 * units),
            "decision": (len(actions), 4 * units),
            "recurrent": (units, 4 * units),
            "output": (tokens, units),
        }
        super().__init__(actions, shapes)
        self._units = units
        # Since sigmoid(x) = tanh(x / 2) / 2 + 1 / 2, one call of tanh activates all gates.
        self._halves = np.repeat([0.5, 1.0], [3 * units, units])
        rng = np.random.default_rng(0)
        for name in ("action", "decision", "recurrent"):
            self._parts[name][...] = rng.uniform(-0.1, 0.1, shapes[name])

    def begin(self, architectures: int) -> Memory:
        """Make a memory of zeros, without a last action."""
        zeros = np.zeros((architectures, self._units))
        return Memory(zeros, zeros, np.zeros(architectures, np.int64))

    def _logits(self, memory: Memory, decisions: Indices) -> tuple[Memory, Array]:
        parts = self._parts
        gates = parts["action"][memory.last] + parts["decision"][decisions] + memory.hidden @ parts["recurrent"]
        forget_gate, input_gate, output_gate, candidate = self._split(self._activate(gates))
        cell = forget_gate * memory.cell + input_gate * candidate
        hidden = output_gate * np.tanh(cell)
        return Memory(hidden, cell, memory.last), self._logits_from(hidden, self._tokens[decisions])

    def _forward(self, batch: StepBatch) -> tuple[Trace, Array]:
        parts, tokens = self._parts, self._tokens[batch.decisions]
        count, steps = batch.actions.shape
        last = np.zeros((steps, count), np.int64)
        last[1:] = self._tokens[batch.decisions, batch.actions].T[:-1] + 1
        gates = parts["action"][last] + parts["decision"][batch.decisions.T]
        cells, hiddens = np.zeros((2, steps + 1, count, self._units))
        cell_tanh = np.empty((steps, count, self._units))
        for step in range(steps):
            gates[step] += hiddens[step] @ parts["recurrent"]
            forget_gate, input_gate, output_gate, candidate = self._split(self._activate(gates[step]))
            np.multiply(forget_gate, cells[step], out=cells[step + 1])
            cells[step + 1] += input_gate * candidate
            np.tanh(cells[step + 1], out=cell_tanh[step])
            np.multiply(output_gate, cell_tanh[step], out=hiddens[step + 1])
        logits = self._logits_from(hiddens[1:].swapaxes(0, 1), tokens)
        return Trace(last, gates, cells, hiddens, cell_tanh), logits

    def _activate(self, gates: Array) -> Array:
        """Apply sigmoids to the three gates and tanh to the candidate, in place."""
        gates *= self._halves
        np.tanh(gates, out=gates)
        gates *= self._halves
        gates[:, : 3 * self._units] += 0.5
        return gates

    def _logits_from(self, hidden: Array, tokens: Indices) -> Array:
        all_logits = hidden @ self._parts["output"].T + self._parts["bias"]
        logits: Array = np.take_along_axis(all_logits, tokens, axis=-1)
        return logits

    def _split(self, gates: Array) -> tuple[Array, Array, Array, Array]:
        units = self._units
        return (
            gates[..., :units],
            gates[..., units : 2 * units],
            gates[..., 2 * units : 3 * units],
            gates[..., 3 * units :],
        )

    def _backward(self, batch: StepBatch, trace: Trace | None, slope: Array, gradient: dict[str, Array]) -> None:
        if trace is None:
            return
        units, token_slopes = self._units, self._of_all_actions(batch, slope)
        gradient["bias"] += token_slopes.sum(axis=(0, 1))
        gradient["output"] += token_slopes.reshape(-1, token_slopes.shape[-1]).T @ trace.hiddens[1:].reshape(-1, units)
        slopes = self._through_time(trace, token_slopes @ self._parts["output"])
        gradient["recurrent"] += trace.hiddens[:-1].reshape(-1, units).T @ slopes.reshape(-1, 4 * units)
        np.add.at(gradient["decision"], batch.decisions.T, slopes)
        np.add.at(gradient["action"], trace.last, slopes)

    def _of_all_actions(self, batch: StepBatch, slope: Array) -> Array:
        """Scatter the slopes of the logits to all actions of all decisions, shape (steps, architectures, actions)."""
        tokens = self._tokens[batch.decisions.T]
        steps, count, _ = tokens.shape
        token_slopes = np.zeros((steps, count, len(self._parts["bias"])))
        # A decision with fewer actions than others has padding, which adds a slope of 0 to action 0.
        np.add.at(
            token_slopes, (np.arange(steps)[:, None, None], np.arange(count)[:, None], tokens), slope.swapaxes(0, 1)
        )
        return token_slopes

    def _through_time(self, trace: Trace, straight: Array) -> Array:
        """Compute the slopes of the inputs of the gates; `straight` has those of the hidden states from the logits."""
        forget_gate, input_gate, output_gate, candidate = self._split(trace.gates)
        steps, count, units = trace.cell_tanh.shape
        to_gates = np.empty((steps, count, 4, units))
        to_gates[:, :, 0] = trace.cells[:-1] * forget_gate * (1.0 - forget_gate)
        to_gates[:, :, 1] = candidate * input_gate * (1.0 - input_gate)
        to_gates[:, :, 2] = trace.cell_tanh * output_gate * (1.0 - output_gate)
        to_gates[:, :, 3] = input_gate * (1.0 - candidate**2)
        uncovered = output_gate * (1.0 - trace.cell_tanh**2)
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
            to_cell *= forget_gate[step]
        return slopes
