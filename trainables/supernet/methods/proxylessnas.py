"""ProxylessNAS: Direct Neural Architecture Search on Target Task and Hardware (Cai et al. 2019, arXiv 1812.00332)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import torch
from torch import Tensor

from trainables.errors import TrainableError
from trainables.hardware.device import Device
from trainables.hardware.engines import default_device
from trainables.settings import check_number
from trainables.supernet.costs import Costs, check_costs, expected, option_latencies, option_macs, option_memory
from trainables.supernet.decisions import Decision
from trainables.supernet.methods.base import Draws, Method
from trainables.supernet.methods.paths import enclosing_options
from trainables.supernet.methods.sampling import gumbel
from trainables.supernet.mixing import Mix
from trainables.training.batches import Batch

__all__ = ["ProxylessNas"]

_COUNTED = {"macs": option_macs, "memory": option_memory}
_KINDS = ("latency", *_COUNTED)


class ProxylessNas(Method):
    """Trains binary gates, two options of each decision at a time.

    A step of the weights computes one option of each decision, drawn by the softmax. A step of the architecture
    computes two, opens the gate of one, and learns which of them is better. After the step both are shifted so that the
    other options keep their probabilities. The loss of the architecture has a term for the expected cost of the network
    (equation 6). Depths and values, which have no gates, learn by REINFORCE (section 3.3), from the loss less a moving
    mean of it.

    Args:
        costs: "latency" measures every option once, in milliseconds (see `trainables.supernet.costs`; a resumed search
            keeps the measured values). "macs" counts the multiply-accumulates for one example, and "memory" the bytes
            of the values that are computed for it. All need an example in `relax`. Otherwise the cost of every option
            by decision, such as latencies measured on another device. Options inside others count with the probability
            that they are reached. None adds no term.
        cost_weight: the factor of the term, which is the expected cost relative to that of equal probabilities.
        latency_batch: the batch size at which latencies are measured; None for that of the device.
        measured_on: the device of the latencies: a table as the key `device` of a configuration, or the name of an
            engine. None for onnxruntime on one thread or, where it is not installed, PyTorch.
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
        latency_batch: int | None = None,
        measured_on: Mapping[str, Any] | str | None = None,
    ) -> None:
        super().__init__()
        check_number("cost_weight", cost_weight, 0)
        if latency_batch is not None:
            check_number("latency_batch", latency_batch, 1, whole=True)
        if costs is not None and not isinstance(costs, Mapping) and costs not in _KINDS:
            raise TrainableError(
                f"costs is {costs!r}; it must be {', '.join(map(repr, _KINDS))}, or a number for every option by "
                "decision"
            )
        self.costs, self.cost_weight, self.latency_batch = costs, cost_weight, latency_batch
        self.measured_on = None if measured_on is None else Device.of(measured_on)
        self.table: Costs = {}
        """The costs of the options, by decision: given, counted or measured."""
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
        self._enclosing = enclosing_options(self.decisions.values())
        if isinstance(self.costs, Mapping):
            self._set_costs(check_costs(self.costs, self.decisions))

    def prepare(self, supernet: Any, example: Any) -> None:
        """Count or measure the costs of all options, if the settings ask for it.

        Args:
            supernet: the supernet.
            example: an example of its input, or None.

        Raises:
            TrainableError: there is no example, or costs of networks are not a sum over their parts.
        """
        if not isinstance(self.costs, str):
            return
        if example is None:
            raise TrainableError(f"costs={self.costs!r} are found on an example of the input; give one to relax")
        if self.costs in _COUNTED:
            self._set_costs(_COUNTED[self.costs](supernet, example))
        else:
            self._measure(supernet, example)

    def _measure(self, supernet: Any, example: Tensor) -> None:
        device = self.measured_on or default_device()
        if self.latency_batch is not None:
            device = replace(device, batch=self.latency_batch)
        self._set_costs(option_latencies(supernet, example, device))
        note = f"the latencies of options were measured on {device.fingerprint()}"
        if self.measured_on is None and device.engine != "onnxruntime":
            note += ", as onnxruntime is not installed (pip install 'nas-tune[export]'); it orders networks otherwise"
        self.notes.append(note)

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
        """Return the drawn options in training, and otherwise the likeliest option of each decision.

        Returns:
            The mix of every decision, by name.

        Raises:
            RuntimeError: nothing was drawn before a forward in training.
        """
        if self.training and not self._drawn and self.owned():
            raise RuntimeError("ProxylessNAS computes what was drawn; call begin_step before a forward in training")
        if not self.training:
            masked = self._masked()
            likeliest = torch.stack([alpha.argmax() for alpha in masked.values()]).tolist() if masked else []
            best = dict(zip(masked, likeliest, strict=True))
            return {name: self._alone(d, best.get(name)) for name, d in self.decisions.items()}
        return {name: self._gated(decision) for name, decision in self.decisions.items()}

    def objective(self, loss: Tensor, outputs: Batch, targets: Batch) -> Tensor:
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
        """Return the expected cost of a network: the sum of the costs of all options, each times its probability.

        Returns:
            A scalar in the unit of the costs.
        """
        chances = {name: torch.softmax(alpha, 0) for name, alpha in self._masked().items()}
        self._known = {name: cost.to(chances[name]) for name, cost in self._known.items()}  # moved once
        return expected(self._known, chances, self._enclosing)

    @torch.no_grad()
    def settle(self) -> None:
        """Restore the entries that were not drawn, and the sum of the probabilities of the pair."""
        for name, alpha in self.owned().items():
            pair, before = self._pairs[name], self._before[name]
            if not self._is_gated(name):
                continue
            new, old = alpha.index_select(0, pair), before.index_select(0, pair)
            alpha.copy_(before.index_copy(0, pair, new - torch.logsumexp(new, 0) + torch.logsumexp(old, 0)))

    def get_extra_state(self) -> dict[str, Any]:
        # A resumed search keeps the latencies that were measured first.
        return {**super().get_extra_state(), "costs": self.table}

    def set_extra_state(self, state: dict[str, Any]) -> None:
        super().set_extra_state(state)
        self._set_costs(state["costs"])

    def _set_costs(self, costs: Costs) -> None:
        """Set the costs, and the cost of a network whose options are all equally likely, by which they are divided."""
        even = {name: torch.full_like(alpha, 1 / len(alpha), device="cpu") for name, alpha in self.owned().items()}
        self.table = costs
        self._known = {name: torch.tensor(numbers, dtype=torch.float64) for name, numbers in costs.items()}
        self._even_cost = (float(expected(self._known, even, self._enclosing)) if costs else 0.0) or 1.0

    def _masked(self) -> dict[str, Tensor]:
        return {name: self.masked(self.decisions[name], alpha) for name, alpha in self.owned().items()}

    def _is_gated(self, name: str) -> bool:
        return self.decisions[name].kind in ("layer", "inputs")

    def _alone(self, decision: Decision, index: int | None) -> Mix:
        """Return the mix of one option; None for a decision without a vector, which takes all its options."""
        if index is None:
            return Mix(self.left(decision))
        ones = torch.ones_like(self.alpha(decision.name))
        return Mix((index,), self.scaled(decision, ones) if decision.high > 1 else None)

    def _gated(self, decision: Decision) -> Mix:
        """Return the mix of a step: the drawn pair with its gates if the architecture learns, else its first option."""
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
