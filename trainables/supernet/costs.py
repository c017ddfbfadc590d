"""What the options of a supernet's decisions cost, where the costs of a network are the sum of those of its parts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from typing import Any

import torch
from torch import Tensor, nn

from search_spaces.nn import LayerChoice
from trainables.cost import cost_of
from trainables.errors import TrainableError
from trainables.supernet.decisions import Decision

__all__ = ["check_costs", "option_macs"]

Costs = dict[str, list[float]]


def option_macs(supernet: Any, example: Tensor) -> Costs:
    """By decision among layers the multiply-accumulates of every option for one example, in all its places.

    Of the layers on the inputs of a node, each counts by the share of inputs that are chosen. `TrainableError` where
    costs are no sum: depths, values, inputs without layers that are more than additions, choices within candidates.
    """
    decisions: Mapping[str, Decision] = supernet.decisions
    shares = {edge: d.high / len(d.options) for d in decisions.values() for edge in d.edges}
    costs: Costs = {}
    for name, decision in decisions.items():
        _check_sum(decision)
        if decision.kind == "layer":
            costs[name] = [0.0] * len(decision.options)
    with ExitStack() as hooks:
        for name, total in costs.items():
            for choice in decisions[name].choices:
                for index, candidate in enumerate(_candidates(choice)):
                    counted = _Counted(total, index, shares.get(name, 1.0))
                    hooks.callback(candidate.register_forward_pre_hook(counted).remove)
        supernet.check(example)
    return costs


def check_costs(costs: Mapping[str, Sequence[float]], decisions: Mapping[str, Decision]) -> Costs:
    """`costs` as lists; `TrainableError` for a decision that there is not, and for numbers of another count."""
    for name, numbers in costs.items():
        if name not in decisions:
            raise TrainableError(f"costs has {name!r}, which is no decision; known: {', '.join(decisions)}")
        count = len(decisions[name].options)
        if len(numbers) != count:
            raise TrainableError(f"costs of {name} are {len(numbers)} numbers for its {count} options; give one each")
    return {name: [float(number) for number in numbers] for name, numbers in costs.items()}


class _Counted:
    """Before a candidate runs, adds what it costs on what it is given."""

    def __init__(self, total: list[float], index: int, share: float) -> None:
        self.total, self.index, self.share = total, index, share

    def __call__(self, candidate: nn.Module, given: tuple[Any, ...]) -> None:
        (value,) = given
        self.total[self.index] += self.share * _macs(candidate, value)


def _macs(candidate: nn.Module, value: Tensor) -> int:
    hooks, candidate._forward_pre_hooks = candidate._forward_pre_hooks, type(candidate._forward_pre_hooks)()
    try:
        return cost_of(candidate, torch.empty_like(value[:1], device="meta")).macs
    finally:
        candidate._forward_pre_hooks = hooks


def _candidates(choice: Any) -> Iterator[nn.Module]:
    for candidate in choice:
        inner = next((part for part in candidate.modules() if isinstance(part, LayerChoice)), None)
        if inner is not None:
            raise TrainableError(
                "costs='macs' needs choices beside each other, not in candidates; give costs by decision"
            )
        yield candidate


def _check_sum(decision: Decision) -> None:
    if decision.kind in ("depth", "value"):
        said = "a depth" if decision.kind == "depth" else "a value"
        raise TrainableError(f"{decision.name} is {said}, whose cost depends on others; give costs by decision instead")
