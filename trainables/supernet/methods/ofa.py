"""OFA: Once-for-All (Cai et al. 2020, arXiv 1908.09791), with the sandwich rule and the distillation in place of
BigNAS (Yu et al. 2020, arXiv 2003.11142).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.nn import functional

from trainables.errors import TrainableError
from trainables.settings import check_number
from trainables.supernet.decisions import Decision
from trainables.supernet.methods.base import Draws
from trainables.supernet.methods.paths import Path, PathMethod, even, extreme

__all__ = ["Ofa"]

PHASES = ("full", "kernel", "depth", "width")
ALWAYS = ("resolution",)
KERNELS = ("kernel", "kernel_size")


class Ofa(PathMethod):
    """Trains the largest network, the smallest, and some between in every step; the others learn to say what the
    largest says.

    The search is parted evenly into `phases`: in "full" only the largest network trains, from "kernel" on kernels may
    be smaller, from "depth" on there may be fewer blocks, and from "width" on all else may be decided otherwise, such
    as expansions; a resolution varies from the beginning. When "width" begins, the channels of all blocks that can be
    sorted (`sort_channels`) are, the most important first, without changing the largest network. A smaller kernel
    is the middle of the larger: the paper's matrices in between are left out, and so is its second teacher. The loss
    of a step is the sum over its networks. The optimizer's momentum is not sorted with the channels.

    Args:
        phases: those of `PHASES` to go through, in this order.
        between: networks that are drawn evenly in a step, beside the largest and the smallest.
        distillation: share of the loss that is taken against the largest; the rest is against the labels.
        population, generations: of the evolution that looks for the best in the end; see `spos`.
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

    def meet(self, supernet: Any, example: Any) -> None:
        self._sortable = [part for part in supernet.module.modules() if hasattr(part, "sort_channels")]

    def advance(self, progress: float) -> None:
        before = PHASES.index(self.phase)
        self.phase = self.phases[min(int(progress * len(self.phases)), len(self.phases) - 1)]
        if before < PHASES.index("width") <= PHASES.index(self.phase):
            for block in self._sortable:
                block.sort_channels()

    def is_free(self, decision: Decision) -> bool:
        """Whether a decision may be taken otherwise than in the largest network already."""
        last = decision.name.rpartition(".")[2]
        if last in ALWAYS:
            return True
        kind = "depth" if decision.kind == "depth" else "kernel" if last in KERNELS else "width"
        return PHASES.index(kind) <= PHASES.index(self.phase)

    def draw(self, draws: Draws) -> None:
        """The largest network is the path; the others follow it in `weight_loss`."""
        self.path = self._extreme(largest=True)
        smaller = [self._extreme(largest=False)] if self._has_smaller() else []
        drawn = [self._drawn(draws.host) for _ in range(self.between)] if smaller else []
        self._others = smaller + drawn
        for name in (name for name in self.decisions if name.rpartition(".")[2] in ALWAYS):
            shared = even(self.decisions[name], self.left(self.decisions[name]), draws.host)
            for path in (self.path, *self._others):  # one size of images in a step, for what one network teaches
                path[name] = shared

    def weight_loss(self, run: Callable[[], Tensor], labels: Tensor) -> tuple[Tensor, Tensor]:
        largest = self.path
        logits = run()
        loss = functional.cross_entropy(logits.float(), labels)
        taught = torch.softmax(logits.detach().float(), 1)
        try:
            for path in self._others:
                self.path = path
                said = run().float()
                against_labels = functional.cross_entropy(said, labels) if self.distillation < 1 else 0.0
                against_largest = functional.cross_entropy(said, taught)
                loss = loss + self.distillation * against_largest + (1 - self.distillation) * against_labels
        finally:
            self.path = largest
        return loss, logits

    def get_extra_state(self) -> dict[str, Any]:
        return {**super().get_extra_state(), "phase": self.phase}

    def set_extra_state(self, state: dict[str, Any]) -> None:
        super().set_extra_state(state)
        self.phase = state["phase"]

    def _has_smaller(self) -> bool:
        return any(self.is_free(d) for d in self.decisions.values() if d.name.rpartition(".")[2] not in ALWAYS)

    def _extreme(self, *, largest: bool) -> Path:
        return {
            name: extreme(decision, self.left(decision), largest=largest or not self.is_free(decision))
            for name, decision in self.decisions.items()
        }

    def _drawn(self, generator: torch.Generator) -> Path:
        return {
            name: even(decision, self.left(decision), generator)
            if self.is_free(decision)
            else extreme(decision, self.left(decision), largest=True)
            for name, decision in self.decisions.items()
        }
