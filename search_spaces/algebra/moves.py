"""Moves in a space: neighbours, mutation and crossover, all of them on the active decisions.

A gene is one parameter, or all flags of one subset together. A parameter that a move makes active is drawn (mutation)
or takes its first value (neighbours); one that a move makes inactive is dropped. A `repeat` grows and shrinks at any
place: mutation inserts a drawn item or removes one, a neighbour has one item twice or one item less.

In a crossover each unit (`Space._crossing_unit`) comes whole from one parent. By default a unit is a gene; in a space
of cells it is a node. The decisions inside an option come with the option: where the parents chose different
options, from the parent that chose it; where they chose different subsets, from the parent whose subset is taken.
Options that both parents chose are crossed inside.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from search_spaces.algebra.deciders import decided, looked_up_or_drawn
from search_spaces.architecture import Architecture, Scalar
from search_spaces.errors import NoMemberError

if TYPE_CHECKING:
    from search_spaces.algebra.flat import Parameter
    from search_spaces.space import Space

__all__ = ["MOVE_TRIES", "Crossing", "crossover", "mutate", "neighbors", "step"]

MOVE_TRIES = 100
"""The most tries of a move that changes nothing or is refused by the `valid` rule."""

Decisions = dict[str, Scalar]


def neighbors(space: Space, decisions: Decisions, *, with_invalid: bool = False) -> list[Architecture]:
    """List the valid members one move away.

    Args:
        space: the space.
        decisions: the active decisions of a member, by parameter name.
        with_invalid: list the trees that the `valid` rule refuses, too.

    Returns:
        Each tree once, in the order of the parameters, without the member itself.
    """
    here = space._bind(space._root.build(decided(decisions)))
    found = {here: None}
    for gene in _genes(space, decisions):
        for changed in _alternatives(space, gene, decisions):
            made = space._bind(space._root.build(decided(changed)))
            if made not in found and (with_invalid or space._is_valid(made)):
                found[made] = None
    del found[here]
    return list(found)


def mutate(space: Space, decisions: Decisions, rng: random.Random) -> Architecture:
    """Change one gene, drawn evenly among the active ones that have an alternative.

    Where the rule refuses every try, two to four genes change. Where it refuses those too, the result is any other
    member.

    Args:
        space: the space.
        decisions: the active decisions of a member, by parameter name.
        rng: the source of every draw.

    Returns:
        Another valid member.

    Raises:
        NoMemberError: the space has one member only, or no other valid one is found.
    """
    made = step(space, decisions, rng)
    if made is None:
        made = _leap(space, decisions, rng)
    return made or _another(space, decisions, rng)


def step(space: Space, decisions: Decisions, rng: random.Random) -> Architecture | None:
    """Change one gene, drawn evenly among the active ones that have an alternative.

    Args:
        space: the space.
        decisions: the active decisions of a member, by parameter name.
        rng: the source of every draw.

    Returns:
        Another valid member; None where the rule refuses all `MOVE_TRIES` tries.

    Raises:
        NoMemberError: no gene has an alternative.
    """
    genes = _genes(space, decisions)
    if not genes:
        raise NoMemberError(f"space {space.name or 'without name'} has one member only: there is nothing to mutate")
    for _ in range(MOVE_TRIES):
        changed = _mutated(space, genes[int(rng.random() * len(genes))], decisions, rng)
        made = _completed(space, changed, rng)
        if space._is_valid(made):
            return made
    return None


def _leap(space: Space, decisions: Decisions, rng: random.Random) -> Architecture | None:
    """A valid member that differs in two to four genes; None where the rule refuses every try."""
    here = space._bind(space._root.build(decided(decisions)))
    for _ in range(MOVE_TRIES):
        made, changed = here, decisions
        for _ in range(rng.randint(2, 4)):
            genes = _genes(space, changed)
            mutated = _mutated(space, genes[int(rng.random() * len(genes))], changed, rng)
            made = _completed(space, mutated, rng)
            changed = space._trace(made)
        if made != here and space._is_valid(made):
            return made
    return None


class Crossing:
    """The crossing unit of each parameter of a space, computed once.

    `units` holds the unit of every parameter. `inside` lists, for parameters inside options of subsets, the subsets
    around them from the outermost in, without those of the same unit.

    Args:
        space: the space whose parameters cross.
    """

    def __init__(self, space: Space) -> None:
        self.units = {parameter.name: space._crossing_unit(parameter) for parameter in space.parameters}
        self.inside: dict[str, list[str]] = {}
        self.subsets = space._subsets
        for group, node in self.subsets.items():
            for option in node.options:
                for parameter in option.node.parameters():
                    if self.units[parameter.name] != self.unit_of_subset(group):
                        self.inside.setdefault(parameter.name, []).append(group)

    def unit_of_subset(self, group: str) -> str:
        """Look up the unit of a subset.

        Args:
            group: the name of the subset.

        Returns:
            The unit of its flags.
        """
        return self.units[self.subsets[group].flags[0].name]

    def between(self, a: Decisions, b: Decisions) -> dict[str, str]:
        """Look up the units of two parents.

        Where they chose different subsets, the parameters inside belong to the subset's unit.

        Args:
            a: the active decisions of one parent.
            b: those of the other.

        Returns:
            A unit for every parameter that is active in either of them.
        """
        units = {name: self.units[name] for name in (*a, *b)}
        if self.inside:
            apart: set[str] = set()
            for group, node in self.subsets.items():
                if any(a.get(flag.name) != b.get(flag.name) for flag in node.flags):
                    apart.add(group)
            for name in units.keys() & self.inside.keys():
                around = next((group for group in self.inside[name] if group in apart), None)
                if around is not None:
                    units[name] = self.unit_of_subset(around)
        return units


def crossover(space: Space, a: Decisions, b: Decisions, rng: random.Random) -> Architecture:
    """Cross two members: each unit comes from one parent, at random; a unit of one parent only comes from that one.

    Args:
        space: the space.
        a: the active decisions of one parent.
        b: those of the other.
        rng: the source of every draw.

    Returns:
        A valid member; the parent `a` where the rule refuses all `MOVE_TRIES` tries.
    """
    for _ in range(MOVE_TRIES):
        made = _completed(space, _crossed(space, a, b, rng), rng)
        if space._is_valid(made):
            return made
    return _completed(space, a, rng)


def _completed(space: Space, decisions: Decisions, rng: random.Random) -> Architecture:
    """The architecture with these decisions, the missing ones drawn; the rule may refuse it."""
    return space._bind(space._root.build(looked_up_or_drawn(decisions, rng)))


def _crossed(space: Space, a: Decisions, b: Decisions, rng: random.Random) -> Decisions:
    units = space._crossing.between(a, b)
    shared = {units[name] for name in a} & {units[name] for name in b}
    from_a = {unit: rng.random() < 0.5 for unit in dict.fromkeys(units.values()) if unit in shared}
    taken = {name: value for name, value in a.items() if from_a.get(units[name], True)}
    return taken | {name: value for name, value in b.items() if not from_a.get(units[name], False)}


def _another(space: Space, decisions: Decisions, rng: random.Random) -> Architecture:
    """A valid member other than `decisions`, from draws of the whole space."""
    here = space._bind(space._root.build(decided(decisions)))
    for tried in range(MOVE_TRIES):
        if tried and space._rare.listed is not None and len(space._rare.listed) < 2:
            break
        made = space.sample(rng)
        if made != here:
            return made
    raise NoMemberError(f"space {space.name or 'without name'}: no other valid member was found; loosen `valid`")


def _genes(space: Space, decisions: Decisions) -> list[Parameter]:
    """The active parameters that have an alternative; the first flag of a subset stands for all its flags."""
    genes: list[Parameter] = []
    groups: set[str] = set()
    for name in decisions:
        parameter = space._by_name[name]
        if parameter.group is not None:
            if parameter.group in groups:
                continue
            groups.add(parameter.group)
        if parameter.count != 1:
            genes.append(parameter)
    return genes


def _alternatives(space: Space, gene: Parameter, decisions: Decisions) -> Iterator[Mapping[str, Scalar]]:
    if gene.group is not None:
        for chosen in _other_subsets(space, gene.group, decisions):
            yield _with_subset(space, gene.group, decisions, chosen)
    elif gene.repeats:
        for order in _other_orders(gene, decisions, doubled=True):
            yield _rearranged(gene.name, decisions, order)
    else:
        for value in gene.alternatives(decisions[gene.name]):
            yield {**decisions, gene.name: value}


def _mutated(space: Space, gene: Parameter, decisions: Decisions, rng: random.Random) -> Decisions:
    if gene.group is not None:
        others = list(_other_subsets(space, gene.group, decisions))
        return _with_subset(space, gene.group, decisions, others[int(rng.random() * len(others))])
    if gene.repeats:
        orders = list(_other_orders(gene, decisions, doubled=False))
        longer = [order for order in orders if None in order]
        shorter = [order for order in orders if None not in order]
        side = longer if longer and (not shorter or rng.random() < 0.5) else shorter
        return _rearranged(gene.name, decisions, side[int(rng.random() * len(side))])
    now = decisions[gene.name]
    value = now
    while value == now:
        value = gene.draw(rng, None)
    return {**decisions, gene.name: value}


def _other_subsets(space: Space, group: str, decisions: Decisions) -> Iterator[set[int]]:
    """The subsets that have one option exchanged, one more, or one less."""
    node = space._subsets[group]
    chosen = node.chosen(decisions)
    free = [index for index in range(len(node.flags)) if index not in chosen]
    for index in sorted(chosen):
        for other in free:
            yield chosen - {index} | {other}
    if len(chosen) < node.high:
        yield from (chosen | {other} for other in free)
    if len(chosen) > node.low:
        yield from (chosen - {index} for index in sorted(chosen))


def _with_subset(space: Space, group: str, decisions: Decisions, chosen: set[int]) -> Decisions:
    node = space._subsets[group]
    names = {flag.name for flag in node.flags}
    return {name: value for name, value in decisions.items() if name not in names} | node.flagged(chosen)


def _other_orders(gene: Parameter, decisions: Decisions, *, doubled: bool) -> Iterator[list[int | None]]:
    """The orders of a `repeat`'s items, as indices, with one removed or one inserted.

    The inserted item is None, which stands for a new one; if `doubled` it is the item before it.
    """
    count = int(decisions[gene.name] or 0)
    places: list[int | None] = list(range(count))
    if count > (gene.low or 0):
        yield from (places[:i] + places[i + 1 :] for i in range(count))
    if count < (gene.high or 0):
        for i in range(count + 1):
            yield [*places[:i], places[i - 1] if doubled and i > 0 else None, *places[i:]]


def _rearranged(name: str, decisions: Decisions, order: list[int | None]) -> Decisions:
    """The decisions with the items of the `repeat` called `name` in another order, which has None for a new item."""
    prefix = f"{name}."
    changed = {key: value for key, value in decisions.items() if not key.startswith(prefix)}
    changed[name] = len(order)
    for target, source in enumerate(order):
        if source is not None:
            old = f"{prefix}{source}"
            for key, value in decisions.items():
                if key == old or key.startswith(f"{old}."):
                    changed[f"{prefix}{target}{key[len(old) :]}"] = value
    return changed
