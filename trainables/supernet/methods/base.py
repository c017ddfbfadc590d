"""What a search method is: its architecture parameters, and how they become the mix of a forward.

A supernet calls, in this order: `attach` and `meet` once; `advance` with the progress of the search; `draw` once a
step; `mixes` before every forward, which may be several a step (the same draw holds for all of them, each with a
graph of its own); `weight_loss` in a step of the weights; `objective` and `penalty` in a step of the architecture, and
`settle` after it; `strengths` whenever somebody asks what the method prefers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from trainables.errors import TrainableError
from trainables.supernet.decisions import Decision
from trainables.supernet.mixing import Mix

__all__ = ["Draws", "Method", "Stage"]


@dataclass(frozen=True, slots=True)
class Stage:
    """A part of a search with a network of its own, trained anew.

    Attributes:
        layers: cells that the network has more than its settings say.
        options: how many options of every decision are left from the stage before; None leaves all.
        skip_dropout: probability, at the beginning of the stage, of dropping what an identity passes on.
    """

    layers: int = 0
    options: int | None = None
    skip_dropout: float = 0.0


class Draws:
    """Where a method takes random numbers from: `device` for those that stay on the device of the network,
    `host` (on the CPU) for indices that Python reads.
    """

    def __init__(self, device: torch.Generator, host: torch.Generator) -> None:
        self.device, self.host = device, host

    @classmethod
    def seeded(cls, seed: int, device: torch.device | str = "cpu") -> Draws:
        """Both from one seed."""
        return cls(torch.Generator(device).manual_seed(seed), torch.Generator().manual_seed(seed + 1))


class Method(nn.Module):
    """Mixes all options of every decision, by a softmax over one vector a decision: what subclasses change.

    Its parameters are the architecture parameters of the supernet; a vector starts as normal numbers of deviation
    0.001. A node of a cell has none of its own: its edges say what it prefers.
    """

    paper: ClassVar[str] = ""
    mixable: ClassVar[frozenset[str]] = frozenset({"layer", "inputs"})
    """Kinds of decisions that the method can take."""
    is_hard: ClassVar[bool] = False
    """Whether a forward computes one option of each decision only."""
    finds_by_score: ClassVar[bool] = False
    """Whether the architecture is the path that validates best, not that of the greatest strengths."""
    single_level: ClassVar[bool] = False
    """Whether weights and architecture learn from the same images, of the training half."""
    needs: ClassVar[Mapping[str, object]] = {}
    """Settings of the network's builder without which the method is not that of its paper."""
    recipe: ClassVar[Mapping[str, object]] = {}
    """Settings of `DartsTrainable` in which the paper differs from DARTS."""
    warmup: ClassVar[float] = 0.0
    """Share of the epochs of a stage in which the paper trains weights only."""
    stages: tuple[Stage, ...] = (Stage(),)
    most_skips: int | None = None
    """How many skip connections each kind of cell may have in the end; None leaves it open."""

    def __init__(self) -> None:
        super().__init__()
        self.decisions: dict[str, Decision] = {}
        self.alphas = nn.ParameterDict()
        self.kept: dict[str, tuple[int, ...]] = {}
        """Decisions that are left with some of their options only; the others weigh nothing any more."""

    def attach(self, decisions: Iterable[Decision]) -> None:
        """Make the architecture parameters of `decisions`, once; `TrainableError` for what cannot be mixed."""
        for decision in decisions:
            self.check(decision)
            self.decisions[decision.name] = decision
            if self.owns(decision):
                self.alphas[_key(decision.name)] = nn.Parameter(self.initial(decision))

    def meet(self, supernet: Any, example: Any) -> None:
        """See the supernet, with an example of its input, or None."""

    def check(self, decision: Decision) -> None:
        """Refuse a decision that this method cannot take."""
        if decision.kind not in self.mixable:
            said = {"value": "a ValueChoice", "depth": "the depth of a Repeat"}.get(decision.kind, decision.kind)
            raise TrainableError(
                f"{decision.name} is {said}, and {type(self).__name__} mixes what modules give, not numbers; take a "
                "method of single paths (spos, enas, ofa, proxylessnas), or decide it before"
            )
        gives_lists = decision.kind == "inputs" and decision.reduction not in ("sum", "mean")
        if gives_lists and decision.low < len(decision.options):
            raise TrainableError(
                f"{decision.name} is an InputChoice with reduction={decision.reduction!r}, and {type(self).__name__} "
                "adds up what it mixes; use reduction='sum', or a method of single paths (spos, enas, ofa)"
            )

    def owns(self, decision: Decision) -> bool:
        """Whether the decision has a vector of its own."""
        return not decision.is_node

    def initial(self, decision: Decision) -> Tensor:
        """The vector to start from, drawn from torch's generator."""
        return 1e-3 * torch.randn(len(decision.options))

    def alpha(self, name: str) -> Tensor:
        """The vector of a decision that has one."""
        alpha: Tensor = self.alphas[_key(name)]
        return alpha

    def owned(self) -> dict[str, Tensor]:
        """The vectors by decision."""
        return {name: self.alpha(name) for name, decision in self.decisions.items() if self.owns(decision)}

    def begin_stage(self, stage: Stage, kept: Mapping[str, tuple[int, ...]]) -> None:
        """Begin one of the `stages`, before its first step, with the options that are left in it."""
        self.kept = dict(kept)

    def advance(self, progress: float) -> None:
        """Called before each step with the share of the search (of its stage) that is over, 0 to 1."""

    def draw(self, draws: Draws) -> None:
        """Take the random numbers of one step."""

    def mixes(self) -> dict[str, Mix]:
        """What every decision takes in the next forward; out of training without chance."""
        return {name: self.mixed(decision) for name, decision in self.decisions.items()}

    def mixed(self, decision: Decision) -> Mix:
        """What one decision takes."""
        indices = self.left(decision)
        if not self.owns(decision):
            return Mix(indices)
        weights = self.weights(decision, self.alpha(decision.name))
        return Mix(indices, self.scaled(decision, weights))

    def weights(self, decision: Decision, alpha: Tensor) -> Tensor:
        """The weights of the options, those that are not left at 0."""
        return self.expected(decision, alpha)

    def expected(self, decision: Decision, alpha: Tensor) -> Tensor:
        """The weights without chance, by which options are compared too."""
        return torch.softmax(self.masked(decision, alpha), 0)

    def masked(self, decision: Decision, alpha: Tensor) -> Tensor:
        """`alpha` with minus infinity for the options that are not left."""
        if decision.name not in self.kept:
            return alpha
        lost = torch.ones(len(alpha), dtype=torch.bool)
        lost[list(self.kept[decision.name])] = False
        return alpha.masked_fill(lost.to(alpha.device, non_blocking=True), -torch.inf)

    def scaled(self, decision: Decision, weights: Tensor) -> Tensor:
        """Weights of inputs as if so many of them were added up as will be chosen; all others as they are."""
        several = decision.kind == "inputs" and decision.reduction == "sum" and not decision.is_node
        return weights * decision.high if several and decision.high > 1 else weights

    def left(self, decision: Decision) -> tuple[int, ...]:
        """The options that are left."""
        return self.kept.get(decision.name, tuple(range(len(decision.options))))

    def only_left(self, name: str, alpha: Tensor) -> Tensor:
        """The entries of `alpha` for the options that are left."""
        if name not in self.kept:
            return alpha
        return alpha.index_select(0, self.left_indices(name))

    def left_indices(self, name: str) -> Tensor:
        """The options that are left of a decision that lost some, on the device of its vector."""
        # Without waiting for a GPU: a list as index would be copied there while the host stands still.
        return torch.tensor(self.kept[name]).to(self.alpha(name).device, non_blocking=True)

    def penalty(self) -> Tensor | None:
        """What the method adds to the loss of the architecture."""
        return None

    def weight_loss(self, run: Callable[[], Tensor], labels: Tensor) -> tuple[Tensor, Tensor]:
        """The loss of a step of the weights, and logits; `run` gives those of one forward."""
        logits = run()
        return functional.cross_entropy(logits.float(), labels), logits

    def objective(self, loss: Tensor, logits: Tensor, labels: Tensor) -> Tensor:
        """What the architecture descends, by the loss and logits of a forward in its step."""
        return loss

    def settle(self) -> None:
        """Called after each step of the architecture."""

    @torch.no_grad()
    def strengths(self) -> dict[str, Tensor]:
        """How much each decision with a vector prefers each of its options; greater is better, at least 0."""
        return {name: self.expected(self.decisions[name], alpha).detach() for name, alpha in self.owned().items()}

    def get_extra_state(self) -> dict[str, Any]:
        return {"kept": {name: list(left) for name, left in self.kept.items()}}

    def set_extra_state(self, state: dict[str, Any]) -> None:
        self.kept = {name: tuple(left) for name, left in state["kept"].items()}


def _key(name: str) -> str:
    return name.replace(".", "/")
