"""OFA: Once-for-All (Cai et al. 2020, arXiv 1908.09791), with two rules of BigNAS (Yu et al. 2020, arXiv 2003.11142).

These are the sandwich rule, and distillation from the largest network of the same step.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor

from trainables.errors import TrainableError
from trainables.settings import check_number
from trainables.supernet.decisions import Decision
from trainables.supernet.methods.base import Draws
from trainables.supernet.methods.paths import Path, PathMethod, even, extreme
from trainables.training.batches import Batch, mapped

__all__ = ["Ofa"]

PHASES = ("full", "kernel", "depth", "width")
"""The phases of a search, in order."""
ALWAYS = ("resolution",)
"""Last parts of the names of decisions that are free in every phase."""
KERNELS = ("kernel", "kernel_size")
"""Last parts of the names of decisions on kernel sizes."""


class Ofa(PathMethod):
    """Trains the largest network, the smallest and some between in every step; the largest one teaches the others.

    The search is divided evenly into `phases`. In "full" only the largest network trains. From "kernel" on kernels may
    be smaller, from "depth" on there may be fewer blocks, and from "width" on all other decisions, such as expansions,
    are free. A resolution varies from the beginning. When "width" begins, the channels of all blocks with
    `sort_channels` are sorted by importance, which does not change the largest network. A smaller kernel is the centre
    of the larger one: the paper's transformation matrices are left out, and so is its second teacher. The loss of a
    step is the sum over its networks. The optimizer's momentum is not sorted with the channels.

    Args:
        phases: some of `PHASES`, in this order.
        between: the number of networks that are drawn evenly in a step, in addition to the largest and the smallest.
        distillation: the share of the loss that is measured against the largest network, 0 to 1; the rest is measured
            against the labels.
        population, generations: of the evolution that selects the architecture at the end; see `spos`.
    """

    paper: ClassVar[str] = "arXiv 1908.09791"

    def __init__(
        self,
        phases: Sequence[str] = PHASES,
        between: int = 2,
        distillation: float = 1.0,
        population: int = 50,
        generations: int = 20,
    ) -> None:
        super().__init__()
        if not phases or list(phases) != [phase for phase in PHASES if phase in phases]:
            raise TrainableError(f"phases is {phases!r}; it must be some of {', '.join(PHASES)}, in this order")
        check_number("between", between, 0, whole=True)
        check_number("distillation", distillation, 0, 1)
        check_number("population", population, 2, whole=True)
        check_number("generations", generations, 0, whole=True)
        self.phases, self.between, self.distillation = tuple(phases), between, distillation
        self.population, self.generations = population, generations
        self.phase = self.phases[0]
        self._others: list[Path] = []
        self._sortable: list[Any] = []

    def prepare(self, supernet: Any, example: Any) -> None:
        self._sortable = [part for part in supernet.module.modules() if hasattr(part, "sort_channels")]

    def advance(self, progress: float) -> None:
        before = PHASES.index(self.phase)
        self.phase = self.phases[min(int(progress * len(self.phases)), len(self.phases) - 1)]
        if before < PHASES.index("width") <= PHASES.index(self.phase):
            for block in self._sortable:
                block.sort_channels()

    def is_free(self, decision: Decision) -> bool:
        """Return whether a decision may differ from the largest network in the current phase.

        Args:
            decision: the decision.

        Returns:
            True from the phase of its kind on.
        """
        last = decision.name.rpartition(".")[2]
        if last in ALWAYS:
            return True
        kind = "depth" if decision.kind == "depth" else "kernel" if last in KERNELS else "width"
        return PHASES.index(kind) <= PHASES.index(self.phase)

    def draw(self, draws: Draws) -> None:
        """Draw the networks of a step: the largest is the path, the others follow in `weight_loss`."""
        always_free = [name for name in self.decisions if name.rpartition(".")[2] in ALWAYS]
        self.path, self._others = self._extreme(largest=True), []
        if any(self.is_free(decision) for name, decision in self.decisions.items() if name not in always_free):
            self._others = [self._extreme(largest=False)]
            self._others += [self._drawn(draws.host) for _ in range(self.between)]
        for name in always_free:
            shared = even(self.decisions[name], self.left(self.decisions[name]), draws.host)
            for path in (self.path, *self._others):  # distillation needs one image size for all networks of a step
                path[name] = shared

    def candidate(self, draws: Draws) -> Path:
        """Draw a path evenly: the path of a step is the largest one."""
        return self._drawn(draws.host)

    def weight_loss(self, run: Callable[[], Batch], targets: Batch) -> tuple[Tensor, Batch]:
        """Compute the sum of the losses of all networks of a step.

        Args:
            run: makes one forward of the current path and returns its outputs.
            targets: the targets of the same examples.

        Returns:
            The loss, a scalar, and the outputs of the largest network.
        """
        largest = self.path
        taught = run()
        loss = self.criterion.loss(taught, targets)
        teacher = mapped(Tensor.detach, taught)
        try:
            for path in self._others:
                self.path = path
                outputs = run()
                against_targets = self.criterion.loss(outputs, targets) if self.distillation < 1 else 0.0
                against_largest = self.criterion.distillation(outputs, teacher)
                loss = loss + self.distillation * against_largest + (1 - self.distillation) * against_targets
        finally:
            self.path = largest
        return loss, taught

    def get_extra_state(self) -> dict[str, Any]:
        return {**super().get_extra_state(), "phase": self.phase}

    def set_extra_state(self, state: dict[str, Any]) -> None:
        super().set_extra_state(state)
        self.phase = state["phase"]

    def _extreme(self, *, largest: bool) -> Path:
        """Return the largest network, or the smallest one of the current phase."""
        path = {}
        for name, decision in self.decisions.items():
            path[name] = extreme(decision, self.left(decision), largest=largest or not self.is_free(decision))
        return path

    def _drawn(self, generator: torch.Generator) -> Path:
        """Draw the free decisions of the current phase evenly; the others are those of the largest network."""
        path = {}
        for name, decision in self.decisions.items():
            if self.is_free(decision):
                path[name] = even(decision, self.left(decision), generator)
            else:
                path[name] = extreme(decision, self.left(decision), largest=True)
        return path
