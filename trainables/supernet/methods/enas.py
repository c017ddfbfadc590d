"""ENAS: Efficient Neural Architecture Search via Parameter Sharing (Pham et al. 2018, arXiv 1802.03268)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import ClassVar

import torch
from torch import Tensor, nn

from trainables.errors import TrainableError
from trainables.settings import check_number
from trainables.supernet.decisions import Decision
from trainables.supernet.methods.base import Draws
from trainables.supernet.methods.paths import Path, PathMethod, enclosing_options, reached
from trainables.supernet.methods.sampling import gumbel_like
from trainables.training.batches import Batch

__all__ = ["Enas"]


class Enas(PathMethod):
    """Draws the path of each step by a controller, which REINFORCE trains for the reward with shared weights.

    The reward is that of the task on the validation batch, for classes the accuracy, less a moving mean of the rewards.
    The controller maximizes the reward times the log-probability of the active decisions, plus a little entropy. At the
    end the controller draws `population` paths, and the one that scores best on all validation examples is taken, as in
    the paper. Controller and weights are trained in turns, step by step; in the paper the controller is trained after
    each epoch of the weights.

    Args:
        units: the units of the controller's LSTM; 0 leaves a table of logits, in which decisions are independent.
        temperature, bound: logits are `bound * tanh(logit / temperature)`; the paper's 5 and 2.5.
        entropy: the factor of the entropy in the objective.
        decay: the decay of the moving mean, 0 to 1.
        population: the number of paths that are scored at the end.
    """

    paper: ClassVar[str] = "arXiv 1802.03268"
    recipe: ClassVar[Mapping[str, object]] = {"architecture_lr": 3.5e-4, "architecture_weight_decay": 0.0}
    generations = 0

    def __init__(
        self,
        units: int = 64,
        temperature: float = 5.0,
        bound: float = 2.5,
        entropy: float = 1e-4,
        decay: float = 0.99,
        population: int = 50,
    ) -> None:
        super().__init__()
        check_number("units", units, 0, whole=True)
        check_number("temperature", temperature, 0, open_low=True)
        check_number("bound", bound, 0, open_low=True)
        check_number("entropy", entropy, 0)
        check_number("decay", decay, 0, 1)
        check_number("population", population, 1, whole=True)
        self.units, self.temperature, self.bound = units, temperature, bound
        self.entropy, self.decay, self.population = entropy, decay, population
        self.register_buffer("baseline", torch.tensor(torch.nan))
        self.baseline: Tensor

    def check(self, decision: Decision) -> None:
        """Refuse a decision that the controller cannot make.

        Args:
            decision: the decision.

        Raises:
            TrainableError: it takes a range of numbers of inputs.
        """
        if decision.low != decision.high:
            raise TrainableError(
                f"{decision.name} takes {decision.low} to {decision.high} inputs, and the controller of Enas must know "
                "how many; give n_chosen one number, or take spos"
            )

    def attach(self, decisions: Iterable[Decision]) -> None:
        super().attach(decisions)
        self._enclosing = enclosing_options(self.decisions.values())
        self.controller = EnasController([len(d.options) for d in self.decisions.values()], self.units)

    @torch.no_grad()
    def draw(self, draws: Draws) -> None:
        self.path = self._drawn(draws.device)

    def default_path(self) -> Path:
        return self._drawn(None)

    def objective(self, loss: Tensor, outputs: Batch, targets: Batch) -> Tensor:
        """REINFORCE: the gradient is that of the expected reward, with the opposite sign."""
        with torch.no_grad():
            reward = self.criterion.reward(outputs, targets)
        known = torch.where(self.baseline.isnan(), reward, self.baseline)
        self.baseline.copy_(self.decay * known + (1 - self.decay) * reward)
        log_probability, entropy = self.log_probability(self.path)
        return (known - reward) * log_probability - self.entropy * entropy

    def log_probability(self, path: Path) -> tuple[Tensor, Tensor]:
        """Return the log-probability of a path and the entropy of the controller.

        Both are sums over the decisions that are active on the path.

        Args:
            path: the indices of the taken options, by decision.

        Returns:
            Two scalars.
        """
        active = set(reached(path, self._enclosing))
        logs, entropies = [], []
        memory = self.controller.begin()
        for question, (name, decision) in enumerate(self.decisions.items()):
            memory, scores = self._asked(memory, question, decision)
            answer = torch.tensor(path[name]).to(scores.device, non_blocking=True)
            if name in active:
                logs.append(_log_probability(scores, answer))
                chances = torch.log_softmax(scores, 0)
                entropies.append(-(chances.exp() * chances.clamp_min(-1e9)).sum())
            memory = self.controller.answered(memory, question, answer)
        return torch.stack(logs).sum(), torch.stack(entropies).sum()

    @torch.no_grad()
    def strengths(self) -> dict[str, Tensor]:
        memory, found = self.controller.begin(), {}
        for question, (name, decision) in enumerate(self.decisions.items()):
            memory, scores = self._asked(memory, question, decision)
            found[name] = torch.softmax(scores, 0)
            memory = self.controller.answered(memory, question, scores.topk(decision.low).indices)
        return found

    @torch.no_grad()
    def _drawn(self, generator: torch.Generator | None) -> Path:
        """Draw a path, inputs without replacement; without a generator return the path of the likeliest answers."""
        memory, answers = self.controller.begin(), []
        for question, decision in enumerate(self.decisions.values()):
            memory, scores = self._asked(memory, question, decision)
            noisy = scores if generator is None else scores + gumbel_like(scores, generator)
            answers.append(noisy.topk(decision.low).indices)
            memory = self.controller.answered(memory, question, answers[-1])
        indices = torch.cat(answers).tolist()  # all read from the device at once
        path = {}
        for name, decision in self.decisions.items():
            path[name], indices = tuple(indices[: decision.low]), indices[decision.low :]
        return path

    def _asked(self, memory: Memory, question: int, decision: Decision) -> tuple[Memory, Tensor]:
        """Return the memory after a question, and the bounded logits of its answers."""
        memory, logits = self.controller.step(memory, question)
        scores = self.bound * torch.tanh(logits / self.temperature)
        if len(self.left(decision)) == len(decision.options):
            return memory, scores
        lost = torch.ones(len(scores), dtype=torch.bool)
        lost[list(self.left(decision))] = False
        return memory, scores.masked_fill(lost.to(scores.device, non_blocking=True), -torch.inf)


Memory = tuple[Tensor, Tensor, Tensor]
"""The hidden state and the cell state of the LSTM, and its next input, (1, units) each."""


class EnasController(nn.Module):
    """Computes the logits of one question after another, from a table and an LSTM whose inputs are earlier answers.

    All weights of the LSTM start between -0.1 and 0.1.

    Args:
        answers: the number of options of every question.
        units: the units of the LSTM; 0 for a table only.
    """

    def __init__(self, answers: list[int], units: int) -> None:
        super().__init__()
        self._sizes, total = answers, sum(answers)
        self.table = nn.Parameter(torch.zeros(total))
        self.units = units
        if units:
            self.output = nn.Linear(units, total, bias=False)
            self.answers = nn.Embedding(total + 1, units)
            self.cell = nn.LSTMCell(units, units)
            for weight in (*self.output.parameters(), *self.answers.parameters(), *self.cell.parameters()):
                nn.init.uniform_(weight, -0.1, 0.1)

    def begin(self) -> Memory:
        """Return the memory before the first question.

        Returns:
            The memory.
        """
        zeros = self.table.new_zeros(1, self.units)
        return (zeros, zeros, self.answers.weight[-1:]) if self.units else (zeros, zeros, zeros)

    def step(self, memory: Memory, question: int) -> tuple[Memory, Tensor]:
        """Ask a question.

        Args:
            memory: the memory before it.
            question: its number.

        Returns:
            The memory after it, and a logit for each answer (options,).
        """
        begin = sum(self._sizes[:question])
        part = slice(begin, begin + self._sizes[question])
        if not self.units:
            return memory, self.table[part]
        hidden, cell = self.cell(memory[2], memory[:2])
        return (hidden, cell, memory[2]), hidden[0] @ self.output.weight[part].T + self.table[part]

    def answered(self, memory: Memory, question: int, answer: Tensor) -> Memory:
        """Return the memory after an answer; the mean of several answers is the next input.

        Args:
            memory: the memory after the question.
            question: its number.
            answer: the indices of the chosen options, (chosen,).

        Returns:
            The memory before the next question.
        """
        if not self.units:
            return memory
        following = self.answers(answer + sum(self._sizes[:question])).mean(0, keepdim=True)
        return memory[0], memory[1], following


def _log_probability(scores: Tensor, answer: Tensor) -> Tensor:
    """Return the log-probability of answers that are drawn one after another without replacement."""
    total = scores.new_zeros(())
    for index in answer.unsqueeze(1):
        total = total + torch.log_softmax(scores, 0).gather(0, index).squeeze(0)
        scores = scores.scatter(0, index, -torch.inf)
    return total
