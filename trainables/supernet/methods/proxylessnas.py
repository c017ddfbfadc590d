"""ProxylessNAS: Direct Neural Architecture Search on Target Task and Hardware (Cai et al. 2019, arXiv 1812.00332)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor

from trainables.errors import TrainableError
from trainables.settings import check_number
from trainables.supernet.costs import Costs, check_costs, expected, option_latencies, option_macs
from trainables.supernet.decisions import Decision
from trainables.supernet.methods.base import Draws, Method
from trainables.supernet.methods.paths import above
from trainables.supernet.methods.sampling import gumbel
from trainables.supernet.mixing import Mix

__all__ = ["ProxylessNas"]


class ProxylessNas(Method):
    """Binary gates: a step of the weights computes one option of each decision, drawn by their softmax; one of the
    architecture computes two, of which one is let through, and learns which of the two is the better.

    After the step the two are moved together so that the others keep their chances. The loss of the architecture has
    a term for what the network is expected to cost (equation 6). Depths and values, between which nothing can be gated,
    learn by REINFORCE (section 3.3), from the loss less a moving mean of it.

    Args:
        costs: "latency" measures every option once, on the device of the search, in milliseconds (see `costs`; a search
            that goes on keeps what was measured); "macs" counts the multiply-accumulates for one example; both need
            `relax` to be given an example. Or by decision a number for every option, such as a latency that was
            measured on some other device. Options inside others count by the chance that they are reached.
        cost_weight: of the term: the expected cost as a share of what even chances cost.
        latency_batch: examples in a batch that is measured.
    """

    paper: ClassVar[str] = "arXiv 1812.00332"
    mixable: ClassVar[frozenset[str]] = frozenset({"layer", "inputs", "depth", "value"})
    is_hard: ClassVar[bool] = True
    recipe: ClassVar[Mapping[str, object]] = {"architecture_lr": 6e-3, "architecture_weight_decay": 0.0}
    warmup: ClassVar[float] = 0.25

    def __init__(
        self,
        costs: str | Mapping[str, Sequence[float]] | None = None,
        cost_weight: float = 0.1,
        latency_batch: int = 1,
    ) -> None:
        super().__init__()
        check_number("cost_weight", cost_weight, 0)
        check_number("latency_batch", latency_batch, 1, whole=True)
        if costs is not None and not isinstance(costs, Mapping) and costs not in ("latency", "macs"):
            raise TrainableError(
                f"costs is {costs!r}; it must be 'latency', 'macs', or a number for every option by decision"
            )
        self.costs, self.cost_weight, self.latency_batch = costs, cost_weight, latency_batch
        self.table: Costs = {}
        """What the options cost, by decision: given, counted or measured."""
        self._known: dict[str, Tensor] = {}
        self._even_cost = 1.0
        self._drawn: dict[str, tuple[int, ...]] = {}
        self._pairs: dict[str, Tensor] = {}
        self._open: dict[str, Tensor] = {}
        self._before: dict[str, Tensor] = {}
        self.register_buffer("baseline", torch.tensor(torch.nan))
        self.baseline: Tensor

    def attach(self, decisions: Iterable[Decision]) -> None:
        super().attach(decisions)
        self._above = above(self.decisions.values())
        if isinstance(self.costs, Mapping):
            self._know(check_costs(self.costs, self.decisions))

    def meet(self, supernet: Any, example: Any) -> None:
        if not isinstance(self.costs, str):
            return
        if example is None:
            raise TrainableError(f"costs={self.costs!r} are found on an example of the input; give one to relax")
        if self.costs == "macs":
            self._know(option_macs(supernet, example))
        else:
            self._know(option_latencies(supernet, example, self.latency_batch))

    @torch.no_grad()
    def draw(self, draws: Draws) -> None:
        owned = self.owned()
        noise, chance = gumbel(owned, draws.device), gumbel(owned, draws.device)
        for name, alpha in owned.items():
            masked = self.masked(self.decisions[name], alpha)
            pair = (masked + noise[name]).topk(min(2, len(self.left(self.decisions[name])))).indices
            self._pairs[name], self._before[name] = pair, alpha.detach().clone()
            again = masked.index_select(0, pair) + chance[name][: len(pair)]
            self._open[name] = pair.index_select(0, again.argmax(0, keepdim=True))
        sizes = [len(pair) for pair in self._pairs.values()]
        indices = torch.cat(list(self._pairs.values())).tolist() if sizes else []  # all read from the device at once
        for name, size in zip(self._pairs, sizes, strict=True):
            self._drawn[name], indices = tuple(indices[:size]), indices[size:]

    def mixes(self) -> dict[str, Mix]:
        if self.training and not self._drawn and self.owned():
            raise RuntimeError("ProxylessNAS computes what was drawn; call begin_step before a forward in training")
        if not self.training:
            masked = self._masked()
            likeliest = torch.stack([alpha.argmax() for alpha in masked.values()]).tolist() if masked else []
            best = dict(zip(masked, likeliest, strict=True))
            return {name: self._alone(d, best.get(name)) for name, d in self.decisions.items()}
        return {name: self._gated(decision) for name, decision in self.decisions.items()}

    def objective(self, loss: Tensor, logits: Tensor, labels: Tensor) -> Tensor:
        numbers = {name: alpha for name, alpha in self._masked().items() if not self._is_gated(name)}
        if not numbers:
            return loss
        found = loss.detach().float()
        known = torch.where(self.baseline.isnan(), found, self.baseline)
        self.baseline.copy_(0.99 * known + 0.01 * found)
        logs = [torch.log_softmax(a, 0).gather(0, self._pairs[name][:1]) for name, a in numbers.items()]
        return loss + (found - known) * torch.cat(logs).sum()

    def penalty(self) -> Tensor | None:
        if not self.table or not self.cost_weight:
            return None
        return self.cost_weight * self.expected_cost() / self._even_cost

    def expected_cost(self) -> Tensor:
        """The sum over all decisions of what their options cost, each by its chance; in the unit of the costs."""
        chances = {name: torch.softmax(alpha, 0) for name, alpha in self._masked().items()}
        self._known = {name: cost.to(chances[name]) for name, cost in self._known.items()}  # moved once
        return expected(self._known, chances, self._above)

    @torch.no_grad()
    def settle(self) -> None:
        """Give those that were not drawn their numbers back, and the two their chance together."""
        for name, alpha in self.owned().items():
            pair, before = self._pairs[name], self._before[name]
            if not self._is_gated(name):
                continue
            new, old = alpha.index_select(0, pair), before.index_select(0, pair)
            alpha.copy_(before.index_copy(0, pair, new - torch.logsumexp(new, 0) + torch.logsumexp(old, 0)))

    def get_extra_state(self) -> dict[str, Any]:
        # Measured once: a search that goes on must not learn from the latencies of another day.
        return {**super().get_extra_state(), "costs": self.table}

    def set_extra_state(self, state: dict[str, Any]) -> None:
        super().set_extra_state(state)
        self._know(state["costs"])

    def _know(self, costs: Costs) -> None:
        even = {name: torch.full_like(alpha, 1 / len(alpha), device="cpu") for name, alpha in self.owned().items()}
        self.table = costs
        self._known = {name: torch.tensor(numbers, dtype=torch.float64) for name, numbers in costs.items()}
        self._even_cost = (float(expected(self._known, even, self._above)) if costs else 0.0) or 1.0

    def _masked(self) -> dict[str, Tensor]:
        return {name: self.masked(self.decisions[name], alpha) for name, alpha in self.owned().items()}

    def _is_gated(self, name: str) -> bool:
        return self.decisions[name].kind in ("layer", "inputs")

    def _alone(self, decision: Decision, index: int | None) -> Mix:
        if index is None:
            return Mix(self.left(decision))
        ones = torch.ones_like(self.alpha(decision.name))
        return Mix((index,), self.scaled(decision, ones) if decision.high > 1 else None)

    def _gated(self, decision: Decision) -> Mix:
        """Both of a pair, the one that is open let through, where the architecture learns; else the first alone."""
        drawn = self._drawn.get(decision.name)
        if drawn is None:
            return Mix(self.left(decision))
        alpha = self.alpha(decision.name)
        learns = alpha.requires_grad and torch.is_grad_enabled() and self._is_gated(decision.name)
        if not learns:
            return self._alone(decision, drawn[0])
        pair = self._pairs[decision.name]
        chances = torch.softmax(alpha.index_select(0, pair), 0)
        gates = torch.zeros_like(alpha).index_fill(0, self._open[decision.name], 1.0)
        return Mix(drawn, self.scaled(decision, gates.index_add(0, pair, chances - chances.detach())))
