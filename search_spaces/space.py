"""A search space: what an architecture may be, and every way to get one.

`Space(tree)` compiles a tree of the language (`search_spaces.parameters`), refusing what breaks its rules.
The same space speaks to random search, evolution, Optuna, Ray Tune and vector models; its faces are proven
equal by property tests. A space is immutable after construction.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Self

from search_spaces.algebra import differences, growth, moves, spec, vector
from search_spaces.algebra.compiler import Nested, compile_tree
from search_spaces.algebra.deciders import Rng, as_random, builds, decided, drawn, looked_up
from search_spaces.algebra.flat import Parameter
from search_spaces.algebra.printing import refuse_alike
from search_spaces.algebra.rejection import RareMembers
from search_spaces.architecture import Architecture, Canonical, Json, Scalar, canonical_text, plain_json
from search_spaces.errors import ArchitectureError, SpaceError
from search_spaces.graphs.graph import Graph
from search_spaces.names import did_you_mean
from search_spaces.translation.optuna import Trial, distributions, suggested
from search_spaces.translation.tune import domains

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray
    from optuna.distributions import BaseDistribution

__all__ = ["COUNTED_UP_TO", "SAMPLE_TRIES", "Space"]

SAMPLE_TRIES = 1_000
"""How many draws the `valid` rule may refuse before members count as rare (see `rejection`)."""
COUNTED_UP_TO = 200_000
"""Spaces with a `valid` rule are counted by enumeration up to this many trees."""


class Space(Nested):
    """A search space over `tree`.

    `valid(architecture) -> bool` may refuse members that the tree allows. `canonical(architecture)` returns a
    tree (or an Architecture) that is equal for architectures that compute the same; `Architecture.id` comes
    from it. Both must be pure; give importable functions if the space shall be rebuilt from its spec.
    `SpaceError` for a tree that breaks a rule, with the path, the value, the rule and the remedy.
    """

    def __init__(
        self,
        tree: object,
        *,
        name: str | None = None,
        valid: Callable[[Architecture], bool] | None = None,
        canonical: Canonical | None = None,
    ) -> None:
        self._declare(tree, name, valid, canonical)
        refuse_alike(self.parameters)

    def _declare(
        self,
        tree: object,
        name: str | None,
        valid: Callable[[Architecture], bool] | None,
        canonical: Canonical | None,
    ) -> None:
        self.declared = tree.declared if isinstance(tree, Space) else tree
        self.name = name
        self.valid = valid
        self.canonical = canonical
        self._root = compile_tree(tree)
        self.parameters: tuple[Parameter, ...] = tuple(self._root.parameters())
        """Every parameter that can be active, in the order of the tree."""
        self._by_name = {parameter.name: parameter for parameter in self.parameters}
        self._subsets = {subset.name: subset for subset in self._root.subsets()}
        self._total = self._root.size()
        self._size: int | None = None
        self._fingerprint: str | None = None

    # One member

    def sample(self, rng: Rng) -> Architecture:
        """One member at random, every decision even on its scale as long as the rule lets enough of them pass.

        Where it refuses nearly all, members are looked for as `rejection` says; `NoMemberError` when none is found.
        """
        rng = as_random(rng)
        decide = drawn(rng)
        for _ in range(SAMPLE_TRIES if self.valid else 1):
            made = self._bind(self._root.build(decide))
            if self._is_valid(made):
                return made
        return self._rare.sample(rng)

    def validate(self, architecture: object) -> Architecture:
        """The member that `architecture` (or its tree) is, bound to the canonical form.

        Spelling is mended (16.0 for 16, the order of keys and of a subset); what does not belong otherwise
        raises `ArchitectureError` with the `path` inside the tree, the value and what is allowed.
        """
        if isinstance(architecture, Architecture) and architecture.space is self and self.valid is None:
            return architecture
        return self._checked(self._root.build(decided(self._trace(architecture))))

    def contains(self, architecture: object) -> bool:
        """Whether `validate` accepts it."""
        try:
            self.validate(architecture)
        except ArchitectureError:
            return False
        return True

    # All members

    @property
    def trees(self) -> int | None:
        """How many trees there are, those that the rule refuses included; None where a real makes them infinite."""
        return self._total

    @property
    def size(self) -> int | None:
        """How many members there are, exactly; None where a real makes them infinite.

        By formula; with a `valid` rule by enumeration, and None where that would be over `COUNTED_UP_TO`
        trees.
        """
        if self._size is None:
            total = self._total
            if total is None or self.valid is None:
                return total
            if total > COUNTED_UP_TO:
                return None
            self._size = sum(1 for _ in self.enumerate())
        return self._size

    def enumerate(self) -> Iterator[Architecture]:
        """Every member once, the last decision running fastest; `SpaceError` where a real has no step."""
        endless = next((p for p in self.parameters if p.count is None), None)
        if endless is not None:
            raise SpaceError(f"space at {endless.path}: a real without step has no list of values; give it a step")
        return filter(self._is_valid, map(self._bind, builds(self._root)))

    # Moves

    def neighbors(self, architecture: object) -> list[Architecture]:
        """The valid members one decision away, each tree once, without the architecture itself; see `moves`.

        Some may compute the same as it, or as one another: their `id` tells.
        """
        return moves.neighbors(self, self._trace(architecture))

    def mutate(self, architecture: object, rng: Rng) -> Architecture:
        """A valid member that differs in one decision, drawn anew; `SpaceError` when there is no other.

        Its `id` may be the same, where that decision is dead. It differs in more where the rule refuses single changes.
        """
        return moves.mutate(self, self._trace(architecture), as_random(rng))

    def crossover(self, a: object, b: object, rng: Rng) -> Architecture:
        """A valid member that takes every decision from one parent or the other; cells take whole nodes."""
        return moves.crossover(self, self._trace(a), self._trace(b), as_random(rng))

    # Growth

    def grow(self, architecture: object) -> Iterator[Architecture]:
        """The members with one block more that extend this one, of this space or of a smaller one; see `growth`.

        `SpaceError` where the space has no blocks to add, and where the new block has endlessly many values.
        """
        return growth.grow(self, architecture)

    def has_room(self, architecture: object) -> bool:
        """Whether one block more fits into this space; `SpaceError` where there are no blocks to add."""
        return growth.has_room(self, architecture)

    def grown(self) -> Space:
        """The space with one block more; `SpaceError` where there are no blocks to add."""
        return self._grown

    def smallest(self) -> Space:
        """The space with the fewest blocks, where a progressive search starts; `SpaceError` as for `grown`."""
        return growth.smallest(self)

    @property
    def blocks(self) -> int | None:
        """How many blocks (or nodes) every cell has, in a family that `resized` makes in other sizes; else None."""
        return None

    def resized(self, blocks: int) -> Space:
        """The space of the same family with so many blocks a cell; `SpaceError` where blocks are no setting."""
        raise SpaceError(f"space {self.name or 'without name'} has no cells of blocks: it cannot have {blocks}")

    # Distances

    def distance(self, a: object, b: object) -> float:
        """How far two members are apart, 0 (equal ids) to 1, symmetric; see `differences` for the definition."""
        return differences.distance(self, self.validate(a), self.validate(b))

    def diff(self, a: object, b: object) -> str:
        """What differs from `a` to `b`, one line a decision: `path: before -> after`; "equal" where nothing does."""
        return differences.diff(self, self.validate(a), self.validate(b))

    # Optuna and Ray Tune

    def params(self, architecture: object) -> dict[str, Scalar]:
        """The active parameters, by dotted name, as `suggest` would have been told them."""
        return self._trace(architecture)

    def from_params(self, params: Mapping[str, object]) -> Architecture:
        """The member that `params` decide: inactive ones ignored, missing ones at their first or lowest
        value.

        `ArchitectureError` for a value that is not allowed and for a name that the space does not have.
        """
        if not params.keys() <= self._by_name.keys():
            unknown = next(name for name in params if name not in self._by_name)
            close = did_you_mean(str(unknown), self._by_name)
            raise ArchitectureError(str(unknown), f"the space has no such parameter{close}; see space.parameters")
        return self._checked(self._root.build(looked_up(params)))

    def suggest(self, trial: Trial) -> Architecture:
        """Let an Optuna trial decide, define-by-run; `ArchitectureError` when `valid` refuses the outcome.

        In `study.optimize` of a space with a rule, say `catch=(ArchitectureError,)`: such a trial is then a failed one.
        """
        return self._checked(self._root.build(suggested(trial)))

    def to_optuna(self) -> dict[str, BaseDistribution]:
        """An Optuna distribution for every parameter that can be active; `from_params` is the way back."""
        return distributions(self.parameters)

    def to_tune(self) -> dict[str, Any]:
        """A flat Ray Tune domain for every parameter that can be active; `from_params` decodes a config."""
        return domains(self.parameters)

    # Vectors

    def encode(self, architecture: object) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """`(vector, mask)`, float64 and bool, fixed length; numbers in 0..1, options one-hot, inactive 0."""
        return vector.encode(self, self._trace(architecture))

    def decode(self, numbers: ArrayLike) -> Architecture:
        """The member nearest to any vector of that length (inactive places ignored, NaN read as 0)."""
        return vector.decode(self, numbers)

    # Graphs

    def graphs(self, architecture: object) -> tuple[Graph, ...]:
        """The architecture as graphs, one a cell; where the space is none of cells, its decisions as a chain."""
        from search_spaces.graphs.outline import outline

        return outline(self, self.validate(architecture))

    # The space as a value

    def to_spec(self) -> dict[str, Any]:
        """A JSON-able description: the tree, the name, the import references of `valid` and `canonical`."""
        return spec.to_spec(self)

    @classmethod
    def from_spec(cls, description: Mapping[str, Any], *, bare: bool = False) -> Space:
        """The space that `to_spec` described.

        Args:
            description: what `to_spec` gave.
            bare: leave out a class and rules that are not of the catalogue. Without it what the spec names is
                imported: read only your own, or `bare`.

        Raises:
            SpaceError: it is malformed, or names what is neither a `Space` nor a rule.
        """
        return spec.bare(description, Space) if bare else spec.from_spec(description, Space)

    @property
    def fingerprint(self) -> str:
        """16 hexadecimal characters of the spec: equal for spaces declared alike."""
        if self._fingerprint is None:
            text = canonical_text(self.to_spec())
            self._fingerprint = blake2b(text.encode(), digest_size=8).hexdigest()
        return self._fingerprint

    @classmethod
    def _rebuilt(cls, tree: object, **rules: Any) -> Self:
        """A space of this class from its parts, whatever the signature of the subclass."""
        made = cls.__new__(cls)
        # Without the check of options that print alike: older runs have such spaces, and are read.
        made._declare(tree, **rules)
        return made

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name or 'unnamed'}: {len(self.parameters)} parameters>"

    # For families of spaces

    def _crossing_unit(self, parameter: Parameter) -> str:
        """The name of what this parameter crosses with, and is counted with in a distance.

        By default its subset, or itself. A space of cells overrides it: a node of a cell is one unit.
        """
        return parameter.group or parameter.name

    # For the modules beside this one

    @cached_property
    def _crossing(self) -> moves.Crossing:
        return moves.Crossing(self)

    @cached_property
    def _grown(self) -> Space:
        return growth.grown(self)

    def _trace(self, architecture: object) -> dict[str, Scalar]:
        """The active decisions of an architecture or a tree, checked."""
        tree = architecture._tree if isinstance(architecture, Architecture) else plain_json(architecture)
        record: dict[str, Scalar] = {}
        self._root.trace(tree, record)
        return record

    @cached_property
    def _rare(self) -> RareMembers:
        return RareMembers(self)

    def _drawn(self, rng: random.Random) -> Architecture:
        """A tree at random, which the rule may refuse."""
        return self._bind(self._root.build(drawn(rng)))

    def _bind(self, tree: Json) -> Architecture:
        return Architecture._bound(tree, self)

    def _is_valid(self, architecture: Architecture) -> bool:
        if self.valid is None:
            return True
        try:
            return bool(self.valid(architecture))
        except Exception as error:  # a stranger's rule may raise anything
            rule = getattr(self.valid, "__qualname__", repr(self.valid))
            raise SpaceError(
                f"the space's rule {rule} raised {error!r} on {architecture.to_json()}; it must answer True or False "
                "for every tree of the space"
            ) from error

    def _checked(self, tree: Json) -> Architecture:
        made = self._bind(tree)
        if not self._is_valid(made):
            rule = getattr(self.valid, "__qualname__", repr(self.valid))
            raise ArchitectureError("", f"the space's rule {rule} refuses it; change a decision that the rule is about")
        return made
