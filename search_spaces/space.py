"""A search space: the set of possible architectures, and every way to make one.

`Space(tree)` compiles a tree of the language (`search_spaces.parameters`) and refuses a tree that breaks its rules.
One space serves random search, evolution, Optuna, Ray Tune and vector models; property tests show that all of them
reach the same members. A space is immutable after construction.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Self

from search_spaces.algebra import differences, growth, moves, spec, vector
from search_spaces.algebra.beside import Beside
from search_spaces.algebra.compiler import Nested, compile_tree
from search_spaces.algebra.deciders import Rng, as_random, builds, decided, drawn, looked_up
from search_spaces.algebra.flat import Parameter
from search_spaces.algebra.limited import DRAWS, Excess, LimitedMembers, LimitedRule
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
"""The draws that the `valid` rule may refuse before members count as rare (see `rejection`)."""
COUNTED_UP_TO = 200_000
"""Spaces with a `valid` rule are counted by enumeration up to this many trees."""


class Space(Nested):
    """A search space over a tree of the language.

    The rules `valid` and `canonical` must be pure; only importable functions survive `to_spec` and `from_spec`.

    Args:
        tree: the declared tree, or another space, whose tree is taken.
        name: the name in messages, results and drawings.
        valid: `valid(architecture) -> bool`, False for trees that are not members; None allows all.
        canonical: returns a tree (or an Architecture) that is equal for architectures that compute the same.
            `Architecture.id` is its hash; None takes the architecture's own tree.

    Raises:
        SpaceError: the tree breaks a rule; the message says the path, the value, the rule and the remedy.
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
        self._can_be_listed = True

    # One member

    def sample(self, rng: Rng) -> Architecture:
        """Draw a member at random.

        Every decision is drawn evenly on its scale. Where the `valid` rule refuses nearly all trees, the draw is less
        even (see `rejection`).

        Args:
            rng: the source of the draws, or a seed.

        Returns:
            A valid member.

        Raises:
            NoMemberError: there is no member, or none is found.
        """
        rng = as_random(rng)
        decide = drawn(rng)
        for _ in range(self._tries):
            made = self._bind(self._root.build(decide))
            if self._is_valid(made):
                return made
        return self._rare.sample(rng)

    def validate(self, architecture: object) -> Architecture:
        """Check that a tree is a member, and bind it to this space.

        The result is spelled as the space spells it: 16 for 16.0, keys and subsets in the order of the space.

        Args:
            architecture: an Architecture or its tree.

        Returns:
            The member, bound to this space and its canonical form.

        Raises:
            ArchitectureError: it is not a member; the error has the `path` in the tree, the value and what is allowed.
        """
        if isinstance(architecture, Architecture) and architecture.space is self and self.valid is None:
            return architecture
        return self._checked(self._root.build(decided(self._trace(architecture))))

    def contains(self, architecture: object) -> bool:
        """Tell whether a tree is a member.

        Args:
            architecture: an Architecture or its tree.

        Returns:
            True if `validate` accepts it.
        """
        try:
            self.validate(architecture)
        except ArchitectureError:
            return False
        return True

    # All members

    @property
    def trees(self) -> int | None:
        """The number of trees, with those that the rule refuses; None where it is infinite, or a limit is costly."""
        return self._total if self._can_be_listed else None

    @property
    def size(self) -> int | None:
        """The exact number of members; None where a real makes it infinite.

        With a `valid` rule the members are enumerated; None where that takes more than `COUNTED_UP_TO` trees.
        """
        if self._size is None:
            total = self._total
            if total is None or self.valid is None:
                return total
            if total > COUNTED_UP_TO or not self._can_be_listed:
                return None
            self._size = sum(1 for _ in self.enumerate())
        return self._size

    def enumerate(self) -> Iterator[Architecture]:
        """Enumerate the members; the last decision changes fastest.

        Returns:
            An iterator over every member, each once.

        Raises:
            SpaceError: a real has no step.
        """
        endless = next((p for p in self.parameters if p.count is None), None)
        if endless is not None:
            raise SpaceError(f"space at {endless.path}: a real without step has no list of values; give it a step")
        return filter(self._is_valid, map(self._bind, builds(self._root)))

    # Moves

    def neighbors(self, architecture: object) -> list[Architecture]:
        """List the valid members one move away (see `algebra.moves`).

        Args:
            architecture: a member, or its tree; the `valid` rule may refuse it.

        Returns:
            Each tree once, without `architecture` itself. Some may have the same `id` as it, or as one another.

        Raises:
            ArchitectureError: it is not a tree of the space.
        """
        return moves.neighbors(self, self._trace(architecture))

    def mutate(self, architecture: object, rng: Rng) -> Architecture:
        """Draw one decision of an architecture again.

        More than one decision changes where the rule refuses every single change. The `id` may stay the same, where the
        decision has no effect.

        Args:
            architecture: a member, or its tree.
            rng: the source of the draws, or a seed.

        Returns:
            Another valid member.

        Raises:
            ArchitectureError: it is not a tree of the space.
            NoMemberError: there is no other member, or none is found.
        """
        return moves.mutate(self, self._trace(architecture), as_random(rng))

    def crossover(self, a: object, b: object, rng: Rng) -> Architecture:
        """Take every decision from one parent or the other, at random; a node of a cell comes whole from one.

        Args:
            a: a member, or its tree.
            b: another one.
            rng: the source of the draws, or a seed.

        Returns:
            A valid member; `a` where the rule refuses all tries.

        Raises:
            ArchitectureError: a parent is not a tree of the space.
        """
        return moves.crossover(self, self._trace(a), self._trace(b), as_random(rng))

    # Growth

    def grow(self, architecture: object) -> Iterator[Architecture]:
        """Extend an architecture by one block in every way (see `algebra.growth`).

        Args:
            architecture: a member of this space, or of a smaller one of its family.

        Returns:
            An iterator over the members with one block more that hold all its decisions.

        Raises:
            SpaceError: the space has no blocks to add, or a decision of the new block is a real without step.
        """
        return growth.grow(self, architecture)

    def has_room(self, architecture: object) -> bool:
        """Tell whether one block more fits into this space.

        Args:
            architecture: a member of this space, or of a smaller one of its family.

        Returns:
            True if it fits.

        Raises:
            SpaceError: the space has no blocks to add.
        """
        return growth.has_room(self, architecture)

    def grown(self) -> Space:
        """Make the space with one block more.

        Returns:
            The space, the same object at each call.

        Raises:
            SpaceError: the space has no blocks to add.
        """
        return self._grown

    def smallest(self) -> Space:
        """Make the space with the fewest blocks, where a progressive search starts.

        Returns:
            The space.

        Raises:
            SpaceError: the space has no blocks to add.
        """
        return growth.smallest(self)

    @property
    def blocks(self) -> int | None:
        """The number of blocks (or nodes) in every cell of a family that `resized` makes in other sizes; else None."""
        return None

    def resized(self, blocks: int) -> Space:
        """Make the space of the same family with another number of blocks.

        Args:
            blocks: the number of blocks (or nodes) in each cell.

        Returns:
            The space.

        Raises:
            SpaceError: the space has no cells of blocks.
        """
        raise SpaceError(f"space {self.name or 'without name'} has no cells of blocks: it cannot have {blocks}")

    # Distances

    def distance(self, a: object, b: object) -> float:
        """Measure how far apart two members are (`algebra.differences` defines it).

        Args:
            a: a member, or its tree.
            b: another one; the order does not matter.

        Returns:
            0 (equal ids) to 1.

        Raises:
            ArchitectureError: one of them is not a member.
        """
        return differences.distance(self, self.validate(a), self.validate(b))

    def diff(self, a: object, b: object) -> str:
        """Describe what differs between two members.

        Args:
            a: the member before, or its tree.
            b: the architecture after the change.

        Returns:
            One line a decision, `path: before -> after`; "equal" if nothing differs.

        Raises:
            ArchitectureError: one of them is not a member.
        """
        return differences.diff(self, self.validate(a), self.validate(b))

    # Optuna and Ray Tune

    def params(self, architecture: object) -> dict[str, Scalar]:
        """Read an architecture as flat parameters, as `suggest` asks a trial for them.

        Args:
            architecture: a member, or its tree.

        Returns:
            The value of each active parameter, by dotted name.

        Raises:
            ArchitectureError: it is not a tree of the space.
        """
        return self._trace(architecture)

    def from_params(self, params: Mapping[str, object]) -> Architecture:
        """Make the member that flat parameters decide.

        Args:
            params: a value by parameter name. Inactive parameters are ignored; a missing one takes its first option or
                lowest
                number.

        Returns:
            The member.

        Raises:
            ArchitectureError: a name or a value does not belong to the space, or the rule refuses the tree.
        """
        if not params.keys() <= self._by_name.keys():
            unknown = next(name for name in params if name not in self._by_name)
            close = did_you_mean(str(unknown), self._by_name)
            raise ArchitectureError(str(unknown), f"the space has no such parameter{close}; see space.parameters")
        return self._checked(self._root.build(looked_up(params)))

    def suggest(self, trial: Trial) -> Architecture:
        """Let an Optuna trial decide, define-by-run: only active parameters are suggested.

        In `study.optimize` with a `valid` rule, pass `catch=(ArchitectureError,)`: a refused trial then fails, and the
        study continues.

        Args:
            trial: an Optuna trial.

        Returns:
            The member.

        Raises:
            ArchitectureError: the rule refuses the tree.
        """
        return self._checked(self._root.build(suggested(trial)))

    def to_optuna(self) -> dict[str, BaseDistribution]:
        """Describe the parameters for Optuna; `from_params` decodes the values.

        Returns:
            A distribution by name, for every parameter that can be active.
        """
        return distributions(self.parameters)

    def to_tune(self) -> dict[str, Any]:
        """Describe the parameters for Ray Tune; `from_params` decodes a configuration.

        Returns:
            A domain by name, for every parameter that can be active.
        """
        return domains(self.parameters)

    # Vectors

    def encode(self, architecture: object) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Encode an architecture as a vector (see `algebra.vector`).

        Args:
            architecture: a member, or its tree.

        Returns:
            The vector, float64, numbers in 0..1, options one-hot, inactive places 0; and the mask of its active places,
            bool.
            Both have the shape (n,), the same for all members.

        Raises:
            ArchitectureError: it is not a tree of the space.
        """
        return vector.encode(self, self._trace(architecture))

    def decode(self, numbers: ArrayLike) -> Architecture:
        """Decode a vector to the nearest member.

        Args:
            numbers: any numbers of shape (n,). Inactive places are ignored; NaN is read as 0.

        Returns:
            A valid member.

        Raises:
            SpaceError: the shape is another one.
        """
        return vector.decode(self, numbers)

    # Graphs

    def graphs(self, architecture: object) -> tuple[Graph, ...]:
        """Draw the architecture as graphs.

        Args:
            architecture: a member, or its tree.

        Returns:
            One graph a cell; for a space without cells one chain of its decisions.

        Raises:
            ArchitectureError: it is not a member.
        """
        from search_spaces.graphs.outline import outline

        member = self.validate(architecture)
        for rule in (self.canonical, self.valid):
            if isinstance(rule, Beside):
                return rule.space.graphs(rule.inner(member))
        return outline(self, member)

    # The space as a value

    def beside(self, **decisions: object) -> Space:
        """Make the space that has further decisions beside those of this one, at the top of its tree.

        A search trains each architecture with what is decided for the settings of its training:
        `space.beside(lr=real(1e-4, 1e-1, log=True))`.

        Args:
            decisions: a `choice(..)`, `real(..)` or another tree of the language by name.

        Returns:
            The space, of the same name. Its rules, and the graphs of its architectures, are those of this space.

        Raises:
            SpaceError: this tree is not a dict, has such a name already, or a decision breaks a rule.
        """
        declared = self.declared
        if not isinstance(declared, Mapping):
            raise SpaceError(
                f"{self!r} is not a dict of decisions, so that none can be added beside it; put it into a dict"
            )
        if taken := sorted(declared.keys() & decisions.keys()):
            raise SpaceError(f"{self!r} has the decision {taken[0]!r} already; name the other one differently")
        names = list(decisions)
        # A class with rules reads its whole tree as its own; `Beside` gives it the part that is.
        kind = Space if self.valid or self.canonical else type(self)
        return kind._rebuilt(
            {**declared, **decisions},
            name=self.name,
            valid=None if self.valid is None else Beside(self, names, "valid"),
            canonical=None if self.canonical is None else Beside(self, names, "canonical"),
        )

    def within(self, excess: Excess, *, listable: bool = False) -> Self:
        """Make the space of those members that meet a limit, for a search.

        Its moves stay within the limit, also where few members meet it. It cannot be written as a spec, because the
        limit is a function of one process.

        Args:
            excess: how far an architecture lies beyond the limit: the ratio of a cost to its bound, at most 1 for a
                member. It must be pure.
            listable: whether it is quick enough to be asked for every member of a space that can be listed.

        Returns:
            A space of the same class with the same name, parameters and ids.
        """
        made = type(self)._rebuilt(
            self.declared, name=self.name, valid=LimitedRule(self.valid, excess), canonical=self.canonical
        )
        made._can_be_listed = listable
        made.__dict__["_rare"] = LimitedMembers(made, self, excess)
        return made

    def to_spec(self) -> dict[str, Any]:
        """Describe the space as JSON.

        Returns:
            The tree, the name, and the import references of the class, `valid` and `canonical`.

        Raises:
            SpaceError: the space is limited (`within`), or has rules that cannot be imported.
        """
        if isinstance(self.valid, LimitedRule):
            raise SpaceError(f"{self!r} has a limit, which is no part of a spec; write the space without it")
        return spec.to_spec(self)

    @classmethod
    def from_spec(cls, description: Mapping[str, Any], *, bare: bool = False) -> Space:
        """Rebuild a space from its description.

        Args:
            description: the result of `to_spec`.
            bare: leave out a class and rules that are not of the catalogue. With False the code that the spec names is
                imported: use it for your own specs only.

        Returns:
            The space.

        Raises:
            SpaceError: the description is malformed, or names code that is neither a `Space` nor a rule.
        """
        return spec.bare(description, Space) if bare else spec.from_spec(description, Space)

    @property
    def fingerprint(self) -> str:
        """16 hexadecimal characters of the spec, equal for spaces declared alike. A limited space has its own."""
        if isinstance(self.valid, LimitedRule):
            return self.valid.name
        if self._fingerprint is None:
            text = canonical_text(self.to_spec())
            self._fingerprint = blake2b(text.encode(), digest_size=8).hexdigest()
        return self._fingerprint

    @classmethod
    def _rebuilt(cls, tree: object, **rules: Any) -> Self:
        """A space of this class from its parts, whatever the signature of the subclass."""
        made = cls.__new__(cls)
        # Options that print alike are not refused here: the spaces of older runs may have them.
        made._declare(tree, **rules)
        return made

    def renamed(self, name: str) -> Self:
        """Give the same space another name, under which networks for it can be registered.

        Args:
            name: the name of the new space.

        Returns:
            A space of the same class, tree and rules.
        """
        return type(self)._rebuilt(self.declared, name=name, valid=self.valid, canonical=self.canonical)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name or 'unnamed'}: {len(self.parameters)} parameters>"

    # For families of spaces

    def _crossing_unit(self, parameter: Parameter) -> str:
        """The name of a parameter's unit: a crossover takes a unit from one parent, a distance averages over it.

        By default it is the parameter's subset, or the parameter. A space of cells overrides it: a node is one unit.
        """
        return parameter.group or parameter.name

    # For the modules beside this one

    @property
    def _tries(self) -> int:
        """How many draws the rule may refuse before members count as rare."""
        if isinstance(self.valid, LimitedRule):
            return DRAWS
        return SAMPLE_TRIES if self.valid else 1

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
        """A random tree, which the rule may refuse."""
        return self._bind(self._root.build(drawn(rng)))

    def _bind(self, tree: Json) -> Architecture:
        return Architecture._bound(tree, self)

    def _is_valid(self, architecture: Architecture) -> bool:
        if self.valid is None:
            return True
        try:
            return bool(self.valid(architecture))
        except Exception as error:  # a user's rule may raise anything
            rule = getattr(self.valid, "__qualname__", repr(self.valid))
            raise SpaceError(
                f"the space's rule {rule} raised {error!r} on {architecture.to_json()}; it must answer True or False "
                "for every tree of the space"
            ) from error

    def _checked(self, tree: Json) -> Architecture:
        made = self._bind(tree)
        if not self._is_valid(made):
            rule = getattr(self.valid, "__qualname__", repr(self.valid))
            raise ArchitectureError("", f"the space's rule {rule} refuses it; change a decision that the rule checks")
        return made
