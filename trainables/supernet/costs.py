"""The costs of the options of a supernet's decisions, for networks whose cost is the sum of the costs of their parts.

Costs are counted (`option_macs`, `option_memory`) or measured on a device (`option_latencies`). `expected` is the mean
over all networks, weighted by their probabilities: a choice inside an option counts with the probability that it is
reached (ProxylessNAS, Cai et al. 2019, arXiv 1812.00332, equation 2).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from search_spaces.nn import ChoiceModule
from trainables.costs.cost import cost_of
from trainables.errors import TrainableError
from trainables.hardware.device import Device
from trainables.hardware.engines import Subject, default_device
from trainables.hardware.measuring import measure
from trainables.supernet.decisions import Decision, Enclosing

__all__ = ["Costs", "check_costs", "expected", "option_latencies", "option_macs", "option_memory"]

Costs = dict[str, list[float]]
"""The cost of each option, by decision."""
Measure = Callable[[nn.Module, Tensor], float]
"""Returns the cost of a module on an input, a batch."""
_EMPTY = "an empty network"
_OF_TORCH = frozenset({"training", *nn.Module().__dict__})
"""What every layer has, such as its hooks, and what says nothing of its time."""


def option_macs(supernet: Any, example: Tensor) -> Costs:
    """Count the multiply-accumulates of every option for one example, in all places of its decision.

    An option counts without the choices in it, which have costs of their own.

    Args:
        supernet: a `Supernet`.
        example: an input of the supernet, a batch.

    Returns:
        The multiply-accumulates of each option, by decision.

    Raises:
        TrainableError: costs are not a sum, because a decision is a value, or is both inside an option and outside of
            it; or an option takes other inputs than one tensor.
    """
    return _option_costs(
        supernet, example, lambda part, value: cost_of(part, torch.empty_like(value[:1], device="meta")).macs
    )


def option_memory(supernet: Any, example: Tensor) -> Costs:
    """Count the bytes of all values that every option computes for one example, in all places of its decision.

    They are what a training keeps for its gradients, as in DiNTS (He et al. 2021, arXiv 2103.15954). An option counts
    without the choices in it.

    Args:
        supernet: a `Supernet`.
        example: an input of the supernet, a batch.

    Returns:
        The bytes of each option, by decision.

    Raises:
        TrainableError: as in `option_macs`.
    """
    return _option_costs(
        supernet,
        example,
        lambda part, value: cost_of(part, torch.empty_like(value[:1], device="meta")).activation_bytes,
    )


def option_latencies(supernet: Any, example: Tensor, device: Device | None = None) -> Costs:
    """Measure the latency of every option on a device, by the protocol of `trainables.hardware.measuring`.

    All options of a supernet are measured in one session, in which they take turns; options with equal layers and an
    input of equal shape are measured once. What a run of an empty network takes is subtracted, since a network has it
    once and not for each of its options. An option counts without the choices in it.

    Args:
        supernet: a `Supernet`.
        example: an input of the supernet, a batch.
        device: the device, with its batch size; by default that of `default_device`.

    Returns:
        The milliseconds of each option, by decision.

    Raises:
        TrainableError: as in `option_macs`, or an option does not run on the device.
        DeviceError: there is no GPU.
    """
    device = device or default_device()
    parts: dict[Hashable, tuple[nn.Module, Tensor]] = {}

    def seen(part: nn.Module, value: Tensor) -> float:
        parts.setdefault(_key(part, value), (part, value[:1].detach().clone()))
        return 0.0

    _option_costs(supernet, example, seen)
    times = _times(parts, {id(part): name for name, part in supernet.module.named_modules()}, device)
    return _option_costs(supernet, example, lambda part, value: times[_key(part, value)])


def check_costs(costs: Mapping[str, Sequence[float]], decisions: Mapping[str, Decision]) -> Costs:
    """Check costs that a user has given.

    Args:
        costs: the cost of each option, by decision.
        decisions: the decisions of the supernet, by name.

    Returns:
        The costs as lists of floats.

    Raises:
        TrainableError: there is no such decision, or the number of costs is not that of its options.
    """
    for name, numbers in costs.items():
        if name not in decisions:
            raise TrainableError(f"costs has {name!r}, which is not a decision; known: {', '.join(decisions)}")
        count = len(decisions[name].options)
        if len(numbers) != count:
            raise TrainableError(f"costs of {name} are {len(numbers)} numbers for its {count} options; give one each")
    return {name: [float(number) for number in numbers] for name, numbers in costs.items()}


def expected(costs: Mapping[str, Tensor], chances: Mapping[str, Tensor], enclosing: Enclosing) -> Tensor:
    """Return the expected cost of a network: the sum of the costs of all options, each times its probability.

    Args:
        costs: the costs of the options (options,), by decision.
        chances: their probabilities (options,), by decision. A decision on inputs without a vector need not be there:
            its inputs are equally likely.
        enclosing: the options of other decisions in which each decision of `costs` is.

    Returns:
        The expected cost, a scalar.
    """
    terms = []
    for name, cost in costs.items():
        term = (chances[name] * cost).sum()
        for outer, index in enclosing[name]:
            term = term * _reached(outer, index, chances)
        terms.append(term)
    return torch.stack(terms).sum()


def _reached(outer: Decision, index: int, chances: Mapping[str, Tensor]) -> Tensor | float:
    """Return the probability that option (or block) number `index` of `outer` runs, given that `outer` runs."""
    if outer.kind == "depth":
        first = next(place for place, depth in enumerate(outer.options) if depth > index)
        return chances[outer.name][first:].sum()
    if outer.name not in chances:
        return outer.high / len(outer.options)
    return chances[outer.name][index] * outer.high


def _option_costs(supernet: Any, example: Tensor, measure: Measure) -> Costs:
    """Run an example through every option, and add up the costs of the parts of each option."""
    decisions: Mapping[str, Decision] = supernet.decisions
    meter = _PartMeter(measure)
    costs: Costs = {}
    with ExitStack() as hooks:
        for name, decision in decisions.items():
            _check_sum(decision, decisions)
            for choice in decision.choices:
                for index, part in _parts(choice):
                    if isinstance(part, ChoiceModule):
                        continue  # it has costs as a decision of its own
                    total = costs.setdefault(name, [0.0] * len(decision.options))
                    places: Sequence[int] = (index,)
                    if decision.kind == "depth":
                        places = [place for place, depth in enumerate(decision.options) if depth > index]
                    for handle in meter.watch(part, total, places, decision.high):
                        hooks.callback(handle.remove)
        supernet.check(example)
    return costs


class _PartMeter:
    """Adds up the costs of parts as they run, each without the watched parts inside it."""

    def __init__(self, measure: Measure) -> None:
        self._measure, self._is_measuring = measure, False
        self._open: list[list[float]] = []

    def watch(self, part: nn.Module, total: list[float], places: Sequence[int], share: int) -> list[Any]:
        """From now on, add `share` times the cost of each run of `part` to these places of `total`."""

        def before(_: nn.Module, given: tuple[Any, ...]) -> None:
            if self._is_measuring:
                return
            self._is_measuring = True
            try:
                cost = self._measure(part, _single(given))
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


def _single(given: tuple[Any, ...]) -> Tensor:
    """Return the only input of a part; an option that takes other inputs cannot be measured."""
    if len(given) == 1 and isinstance(given[0], Tensor):
        return given[0]
    kinds = ", ".join(type(value).__name__ for value in given)
    raise TrainableError(
        f"costs are measured for options that take one tensor, and one takes ({kinds}); give costs by decision"
    )


def _parts(choice: Any) -> Iterator[tuple[int, nn.Module]]:
    """Return the candidates, the blocks, or the layers on inputs, with their indices."""
    layers = getattr(choice, "layers", choice)
    return enumerate(layers if layers is not None else ())


def _times(
    parts: Mapping[Hashable, tuple[nn.Module, Tensor]], names: Mapping[int, str], device: Device
) -> dict[Hashable, float]:
    """The milliseconds of each part on its input, less those of an empty network."""
    if not parts:
        return {}
    first = next(iter(parts.values()))[1]
    subjects: dict[str, Subject] = {_EMPTY: lambda: (nn.Identity(), first)}
    named: dict[str, Hashable] = {}
    for number, (key, (part, value)) in enumerate(parts.items()):
        name = f"option {names[id(part)]} on {tuple(value.shape[1:])} (number {number})"
        subjects[name], named[name] = partial(_subject, part, value), key
    try:
        found = {one.name: one.value for one in measure(subjects, device)}
    except TrainableError as error:
        raise TrainableError(
            f"{error}; take another device, such as one with engine = 'torch', or give the costs by decision"
        ) from error
    return {key: max(found[name] - found[_EMPTY], 0.0) for name, key in named.items()}


def _subject(part: nn.Module, value: Tensor) -> tuple[nn.Module, Tensor]:
    return part, value


def _key(part: nn.Module, value: Tensor) -> Hashable:
    """What parts have in common that take equally long: their layers with all settings, and the shape of the input."""
    layers = []
    for place, layer in part.named_modules():
        settings = []
        for name, held in layer.__dict__.items():
            if name not in _OF_TORCH:
                settings.append((name, repr(held) if _is_plain(held) else id(held)))
        weights = [(name, tuple(one.shape)) for name, one in layer.named_parameters(recurse=False)]
        layers.append((place, type(layer), tuple(settings), tuple(weights)))
    return tuple(layers), tuple(value.shape[1:]), value.dtype


def _is_plain(held: object) -> bool:
    if isinstance(held, tuple | list):
        return all(_is_plain(one) for one in held)
    return held is None or isinstance(held, bool | int | float | str)


def _check_sum(decision: Decision, decisions: Mapping[str, Decision]) -> None:
    """Refuse a decision for which the cost of a network is not a sum over its decisions."""
    if decision.kind == "value":
        raise TrainableError(
            f"{decision.name} is a value, whose cost depends on other decisions, so that costs are not a sum; give "
            "costs by decision instead of 'macs' or 'latency'"
        )
    names = {id(choice): name for name, known in decisions.items() for choice in known.choices}
    for choice in decision.choices:
        for _, part in _parts(choice):
            for inside in part.modules():
                if not isinstance(inside, ChoiceModule) or names[id(inside)].startswith(f"{decision.name}."):
                    continue
                raise TrainableError(
                    f"{names[id(inside)]} stands in an option of {decision.name} and outside of it, so that costs are "
                    "no sum; give it no label, or costs by decision instead of 'macs' or 'latency'"
                )
