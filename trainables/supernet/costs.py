"""What the options of a supernet's decisions cost, where the costs of a network are the sum of those of its parts.

Counted (`option_macs`) or measured on the device of the supernet (`option_latencies`). `expected` is the mean over all
networks, each by its chance: a choice inside an option counts by the chance that it is reached (ProxylessNAS, Cai et
al. 2019, arXiv 1812.00332, equation 2).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from statistics import median
from typing import Any

import torch
from torch import Tensor, nn

from search_spaces.nn import ChoiceModule
from trainables.costs.cost import cost_of
from trainables.errors import TrainableError
from trainables.supernet.decisions import Decision

__all__ = ["Above", "Costs", "check_costs", "expected", "option_latencies", "option_macs"]

Costs = dict[str, list[float]]
"""By decision a number for every option."""
Above = Mapping[str, Sequence[tuple[Decision, int]]]
"""By decision, the options of others in which it stands."""
Measure = Callable[[nn.Module, Tensor], float]
"""What a part costs on an input, a batch."""
_WARM_UP, _REPEATS = 5, 21


def option_macs(supernet: Any, example: Tensor) -> Costs:
    """The multiply-accumulates of every option for one example, in all places of its decision.

    An option counts without the choices in it, which count themselves. `TrainableError` where costs are no sum: values,
    and decisions that stand both inside an option and outside of it.
    """
    return _option_costs(supernet, example, _macs)


def option_latencies(supernet: Any, example: Tensor, batch: int = 1) -> Costs:
    """The milliseconds that every option takes for a `batch` of examples, on the device of `example` and supernet.

    Each is the median of 21 forwards after 5 to warm up, in evaluation and without gradients; all else is as in
    `option_macs`.
    """
    known: dict[tuple[object, ...], float] = {}

    def measure(part: nn.Module, value: Tensor) -> float:
        key = (id(part), tuple(value.shape[1:]))
        if key not in known:  # a part that runs at every step of a sequence is measured at one
            repeated = value[:1].repeat_interleave(batch, 0)
            known[key] = _milliseconds(lambda: part(repeated), value.device)
        return known[key]

    return _option_costs(supernet, example, measure)


def check_costs(costs: Mapping[str, Sequence[float]], decisions: Mapping[str, Decision]) -> Costs:
    """`costs` as lists; `TrainableError` for a decision that there is not, and for numbers of another count."""
    for name, numbers in costs.items():
        if name not in decisions:
            raise TrainableError(f"costs has {name!r}, which is no decision; known: {', '.join(decisions)}")
        count = len(decisions[name].options)
        if len(numbers) != count:
            raise TrainableError(f"costs of {name} are {len(numbers)} numbers for its {count} options; give one each")
    return {name: [float(number) for number in numbers] for name, numbers in costs.items()}


def expected(costs: Mapping[str, Tensor], chances: Mapping[str, Tensor], above: Above) -> Tensor:
    """The sum over all decisions of what their options cost, each by its chance to be taken.

    Args:
        costs: by decision, (options,).
        chances: likewise, of decisions that have a vector; of other inputs each is as likely as any other.
        above: of all decisions of `costs`.
    """
    terms = []
    for name, cost in costs.items():
        term = (chances[name] * cost).sum()
        for outer, index in above[name]:
            term = term * _reached(outer, index, chances)
        terms.append(term)
    return torch.stack(terms).sum()


def _reached(outer: Decision, index: int, chances: Mapping[str, Tensor]) -> Tensor | float:
    """The chance that what stands in option (or block) number `index` of `outer` runs, if `outer` does."""
    if outer.kind == "depth":
        first = next(place for place, depth in enumerate(outer.options) if depth > index)
        return chances[outer.name][first:].sum()
    if outer.name not in chances:
        return outer.high / len(outer.options)
    return chances[outer.name][index] * outer.high


def _option_costs(supernet: Any, example: Tensor, measure: Measure) -> Costs:
    decisions: Mapping[str, Decision] = supernet.decisions
    meter = _PartMeter(measure)
    costs: Costs = {}
    with ExitStack() as hooks:
        for name, decision in decisions.items():
            _check_sum(decision, decisions)
            for choice in decision.choices:
                for index, part in _own_parts(choice):
                    total = costs.setdefault(name, [0.0] * len(decision.options))
                    for handle in meter.watch(part, total, _options_with(decision, index), decision.high):
                        hooks.callback(handle.remove)
        supernet.check(example)
    return costs


class _PartMeter:
    """Adds up what parts cost as they run, each without the parts inside it that are watched too."""

    def __init__(self, measure: Measure) -> None:
        self._measure, self._is_measuring = measure, False
        self._open: list[list[float]] = []

    def watch(self, part: nn.Module, total: list[float], places: Sequence[int], share: int) -> list[Any]:
        """From now on, add what `part` costs to these places of `total`, `share` times."""

        def before(_: nn.Module, given: tuple[Any, ...]) -> None:
            if self._is_measuring:
                return
            self._is_measuring = True
            try:
                cost = self._measure(part, _only(given))
            finally:
                self._is_measuring = False
            if self._open:
                self._open[-1][1] += cost
            self._open.append([cost, 0.0])

        def after(*_: Any) -> None:
            if self._is_measuring:
                return
            whole, inside = self._open.pop()
            for place in places:
                total[place] += share * max(whole - inside, 0.0)

        return [part.register_forward_pre_hook(before), part.register_forward_hook(after)]


def _only(given: tuple[Any, ...]) -> Tensor:
    if len(given) == 1 and isinstance(given[0], Tensor):
        return given[0]
    kinds = ", ".join(type(value).__name__ for value in given)
    raise TrainableError(f"costs are known of options that take one tensor, and here is one that takes ({kinds})")


def _parts(choice: Any) -> Iterator[tuple[int, nn.Module]]:
    """The candidates, blocks, or layers on inputs, with their indices."""
    layers = getattr(choice, "layers", choice)
    return enumerate(layers if layers is not None else ())


def _own_parts(choice: Any) -> Iterator[tuple[int, nn.Module]]:
    """Those that are no choices themselves, which have costs of their own."""
    return ((index, part) for index, part in _parts(choice) if not isinstance(part, ChoiceModule))


def _options_with(decision: Decision, index: int) -> Sequence[int]:
    """The options in which part number `index` runs."""
    if decision.kind != "depth":
        return (index,)
    return tuple(place for place, depth in enumerate(decision.options) if depth > index)


def _macs(part: nn.Module, value: Tensor) -> float:
    return cost_of(part, torch.empty_like(value[:1], device="meta")).macs


def _milliseconds(run: Callable[[], object], device: torch.device) -> float:
    times = []
    for index in range(_WARM_UP + _REPEATS):
        _wait(device)
        begin = time.perf_counter()
        run()
        _wait(device)
        if index >= _WARM_UP:
            times.append(time.perf_counter() - begin)
    return 1e3 * median(times)


def _wait(device: torch.device) -> None:
    if device.type != "cpu":
        torch.accelerator.synchronize(device)


def _check_sum(decision: Decision, decisions: Mapping[str, Decision]) -> None:
    if decision.kind == "value":
        raise TrainableError(
            f"{decision.name} is a value, whose cost depends on other decisions, so that costs are no sum; give costs "
            "by decision instead of 'macs' or 'latency'"
        )
    names = {id(choice): name for name, known in decisions.items() for choice in known.choices}
    for choice in decision.choices:
        for _, part in _parts(choice):
            inner = [names[id(inside)] for inside in part.modules() if isinstance(inside, ChoiceModule)]
            tied = next((name for name in inner if not name.startswith(f"{decision.name}.")), None)
            if tied is not None:
                raise TrainableError(
                    f"{tied} stands in an option of {decision.name} and outside of it, so that costs are no sum; give "
                    "it no label, or costs by decision instead of 'macs' or 'latency'"
                )
