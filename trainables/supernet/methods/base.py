"""The base class of search methods: the architecture parameters, and how they determine the mix of a forward.

The methods are called in this order: `attach` and `prepare` once; `advance` with the progress of the search; `draw`
once per step; `mixes` before every forward (a step may have several forwards, which share the draw and have a graph
each); `weight_loss` in a step of the weights; `objective` and `penalty` in a step of the architecture, and `settle`
after it; `strengths` at any time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from trainables.errors import TrainableError
from trainables.supernet.criterion import Criterion
from trainables.supernet.decisions import Decision
from trainables.supernet.methods.former_names import keep_former_names
from trainables.supernet.mixing import Mix
from trainables.training.batches import Batch

__all__ = ["Draws", "Method", "SearchStage"]


@dataclass(frozen=True, slots=True)
class SearchStage:
    """A stage of a search, with a new network that is trained from scratch.

    Attributes:
        layers: the number of cells that the network has in addition to its settings.
        options: how many options of every decision are left from the stage before; None leaves all.
        skip_dropout: the probability of dropping each value of an identity, at the beginning of the stage.
    """

    layers: int = 0
    options: int | None = None
    skip_dropout: float = 0.0


class Draws:
    """The generators of a method's random numbers.

    Args:
        device: on the device of the network, for numbers that stay there.
        host: on the CPU, for indices that Python reads.
    """

    def __init__(self, device: torch.Generator, host: torch.Generator) -> None:
        self.device, self.host = device, host

    @classmethod
    def seeded(cls, seed: int, device: torch.device | str = "cpu") -> Draws:
        """Make both generators from one seed.

        Args:
            seed: the seed.
            device: the device of the network.

        Returns:
            The generators.
        """
        return cls(torch.Generator(device).manual_seed(seed), torch.Generator().manual_seed(seed + 1))


class Method(nn.Module):
    """A search method; this base class mixes all options of every decision by a softmax over one vector per decision.

    The parameters of this module are the architecture parameters of the supernet. A vector is initialised by normal
    numbers of deviation 0.001. A node of a cell has no vector: the strengths of its edges rank its inputs.
    """

    paper: ClassVar[str] = ""
    mixable: ClassVar[frozenset[str]] = frozenset({"layer", "inputs"})
    """Kinds of decisions that the method can take."""
    is_hard: ClassVar[bool] = False
    """Whether a forward computes one option of each decision only."""
    finds_by_score: ClassVar[bool] = False
    """Whether the architecture is the path with the best validation score, and not that of the greatest strengths."""
    single_level: ClassVar[bool] = False
    """Whether weights and architecture learn from the same images, those of the training half."""
    needs: ClassVar[Mapping[str, object]] = {}
    """Settings of the network that belong to the method of the paper."""
    recipe: ClassVar[Mapping[str, object]] = {}
    """Settings of `DartsTrainable` in which the paper differs from DARTS."""
    warmup: ClassVar[float] = 0.0
    """Share of the epochs of a stage in which the paper trains weights only."""
    stages: tuple[SearchStage, ...] = (SearchStage(),)
    """The stages of the search, in order."""
    most_skips: int | None = None
    """The most skip connections in each kind of cell of the architecture; None sets no limit."""

    def __init_subclass__(cls, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        keep_former_names(cls)

    def __init__(self) -> None:
        super().__init__()
        self.criterion = Criterion()
        """How outputs are judged; a search sets that of its task."""
        self.notes: list[str] = []
        """For a person; whoever reads them empties the list."""
        self.decisions: dict[str, Decision] = {}
        self.alphas = nn.ParameterDict()
        self.kept: dict[str, tuple[int, ...]] = {}
        """By decision, the options that are left in this stage; decisions that are not here have all options."""

    def attach(self, decisions: Iterable[Decision]) -> None:
        """Make the architecture parameters of all decisions; called once.

        Args:
            decisions: the decisions of a supernet.

        Raises:
            TrainableError: the method cannot mix a decision.
        """
        for decision in decisions:
            self.check(decision)
            self.decisions[decision.name] = decision
            if self.owns(decision):
                self.alphas[_key(decision.name)] = nn.Parameter(self.initial(decision))

    def prepare(self, supernet: Any, example: Any) -> None:
        """Prepare for a supernet; called once, after `attach`. The base class does nothing.

        Args:
            supernet: the supernet.
            example: an example of its input, or None.
        """

    meet = prepare

    def check(self, decision: Decision) -> None:
        """Refuse a decision that this method cannot mix.

        Args:
            decision: the decision.

        Raises:
            TrainableError: it is of a kind that is not `mixable`, or combines its inputs other than by a sum or mean.
        """
        if decision.kind not in self.mixable:
            kind = {"value": "a ValueChoice", "depth": "the depth of a Repeat"}.get(decision.kind, decision.kind)
            raise TrainableError(
                f"{decision.name} is {kind}, and {type(self).__name__} mixes the outputs of modules, not numbers; take "
                "a method of single paths (spos, enas, ofa, proxylessnas), or decide it beforehand"
            )
        gives_lists = decision.kind == "inputs" and decision.reduction not in ("sum", "mean")
        if gives_lists and decision.low < len(decision.options):
            raise TrainableError(
                f"{decision.name} is an InputChoice with reduction={decision.reduction!r}, and {type(self).__name__} "
                "adds up what it mixes; use reduction='sum', or a method of single paths (spos, enas, ofa)"
            )

    def owns(self, decision: Decision) -> bool:
        """Return whether a decision has a vector; subclasses may change it.

        Args:
            decision: the decision.

        Returns:
            False for the nodes of cells, whose edges rank the inputs.
        """
        return not decision.is_node

    def initial(self, decision: Decision) -> Tensor:
        """Return the initial vector of a decision, drawn from torch's generator.

        Args:
            decision: the decision.

        Returns:
            (options,).
        """
        return 1e-3 * torch.randn(len(decision.options))

    def alpha(self, name: str) -> Tensor:
        """Return the vector of a decision.

        Args:
            name: a decision that has one.

        Returns:
            (options,), a parameter.
        """
        alpha: Tensor = self.alphas[_key(name)]
        return alpha

    def owned(self) -> dict[str, Tensor]:
        """Return the vectors of all decisions that have one.

        Returns:
            Vectors (options,), by decision.
        """
        return {name: self.alpha(name) for name, decision in self.decisions.items() if self.owns(decision)}

    def begin_stage(self, stage: SearchStage, kept: Mapping[str, tuple[int, ...]]) -> None:
        """Begin one of the `stages`, before its first step.

        Args:
            stage: the stage.
            kept: by decision, the options that are left in it.
        """
        self.kept = dict(kept)

    def advance(self, progress: float) -> None:
        """Take the progress of the search; called before each step. The base class does nothing.

        Args:
            progress: the share of the stage that is over, 0 to 1.
        """

    def draw(self, draws: Draws) -> None:
        """Draw the random numbers of one step. The base class draws none.

        Args:
            draws: the generators.
        """

    def mixes(self) -> dict[str, Mix]:
        """Return the mixes of the next forward; outside of training they are not random.

        Returns:
            The mix of every decision, by name.
        """
        return {name: self.mixed(decision) for name, decision in self.decisions.items()}

    def mixed(self, decision: Decision) -> Mix:
        """Return the mix of one decision.

        Args:
            decision: the decision.

        Returns:
            All options that are left, weighted if the decision has a vector.
        """
        indices = self.left(decision)
        if not self.owns(decision):
            return Mix(indices)
        weights = self.weights(decision, self.alpha(decision.name))
        return Mix(indices, self.scaled(decision, weights))

    def weights(self, decision: Decision, alpha: Tensor) -> Tensor:
        """Return the weights of the options in a forward; subclasses may draw them.

        Args:
            decision: a decision with a vector.
            alpha: its vector (options,).

        Returns:
            (options,), 0 for options that are not left.
        """
        return self.expected(decision, alpha)

    def expected(self, decision: Decision, alpha: Tensor) -> Tensor:
        """Return the weights without randomness, by which options are also compared.

        Args:
            decision: a decision with a vector.
            alpha: its vector (options,).

        Returns:
            (options,), 0 for options that are not left.
        """
        return torch.softmax(self.masked(decision, alpha), 0)

    def masked(self, decision: Decision, alpha: Tensor) -> Tensor:
        """Return a vector with minus infinity for the options that are not left.

        Args:
            decision: a decision with a vector.
            alpha: its vector (options,).

        Returns:
            (options,).
        """
        if decision.name not in self.kept:
            return alpha
        lost = torch.ones(len(alpha), dtype=torch.bool)
        lost[list(self.kept[decision.name])] = False
        return alpha.masked_fill(lost.to(alpha.device, non_blocking=True), -torch.inf)

    def scaled(self, decision: Decision, weights: Tensor) -> Tensor:
        """Scale the weights of inputs that are added up by the number of inputs that will be chosen.

        Args:
            decision: a decision with a vector.
            weights: (options,).

        Returns:
            (options,); the weights of other decisions are returned unchanged.
        """
        several = decision.kind == "inputs" and decision.reduction == "sum" and not decision.is_node
        return weights * decision.high if several and decision.high > 1 else weights

    def left(self, decision: Decision) -> tuple[int, ...]:
        """Return the options that are left in this stage.

        Args:
            decision: the decision.

        Returns:
            Their indices.
        """
        return self.kept.get(decision.name, tuple(range(len(decision.options))))

    def only_left(self, name: str, alpha: Tensor) -> Tensor:
        """Return the entries of a vector for the options that are left.

        Args:
            name: a decision with a vector.
            alpha: its vector (options,).

        Returns:
            (options left,).
        """
        if name not in self.kept:
            return alpha
        return alpha.index_select(0, self.left_indices(name))

    def left_indices(self, name: str) -> Tensor:
        """Return the options that are left of a decision that has lost some.

        Args:
            name: a decision of `kept`.

        Returns:
            Their indices, on the device of its vector.
        """
        # The host need not wait for a GPU: indexing by a list would make it wait for the copy.
        return torch.tensor(self.kept[name]).to(self.alpha(name).device, non_blocking=True)

    def penalty(self) -> Tensor | None:
        """Return the term that the method adds to the loss of the architecture.

        Returns:
            A scalar; None for no term.
        """
        return None

    def weight_loss(self, run: Callable[[], Batch], targets: Batch) -> tuple[Tensor, Batch]:
        """Compute the loss of a step of the weights.

        Args:
            run: makes one forward and returns its outputs.
            targets: the targets of the same examples.

        Returns:
            The loss, a scalar, and the outputs of a forward.
        """
        outputs = run()
        return self.criterion.loss(outputs, targets), outputs

    def objective(self, loss: Tensor, outputs: Batch, targets: Batch) -> Tensor:
        """Return the objective that a step of the architecture minimizes.

        Args:
            loss: the loss of the forward in this step.
            outputs: its outputs.
            targets: the targets of the same examples.

        Returns:
            A scalar.
        """
        return loss

    def settle(self) -> None:
        """Change the architecture parameters after each step of the architecture. The base class does nothing."""

    @torch.no_grad()
    def strengths(self) -> dict[str, Tensor]:
        """Return how strongly each decision with a vector prefers each of its options.

        Returns:
            Strengths (options,), at least 0, by decision.
        """
        return {name: self.expected(self.decisions[name], alpha).detach() for name, alpha in self.owned().items()}

    def get_extra_state(self) -> dict[str, Any]:
        """Return the state for a checkpoint that is neither a parameter nor a buffer.

        Returns:
            The options that are left, by decision.
        """
        return {"kept": {name: list(left) for name, left in self.kept.items()}}

    def set_extra_state(self, state: dict[str, Any]) -> None:
        """Restore the state that `get_extra_state` has returned.

        Args:
            state: what it returned.
        """
        self.kept = {name: tuple(left) for name, left in state["kept"].items()}


def _key(name: str) -> str:
    """Return the name of a decision's parameter: torch allows no dots in it."""
    return name.replace(".", "/")
