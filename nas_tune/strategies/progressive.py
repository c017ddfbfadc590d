"""Progressive search (Liu et al. 2018, PNAS, arXiv 1712.00559): architectures grow block by block under a surrogate.

A generation is `beam` architectures of one size. The first ones are small and drawn at random. When a generation has
its scores, its best members grow by one block, a surrogate fitted to all trials ranks the results, and the best ones
are the next generation. At full size, generations continue with mutations of the best.

In spaces whose lists grow (chain, mlp, ..), members of all sizes are trained. Cells of some spaces (pnas, darts,
nasnet) have a fixed size: there a smaller cell is a member of full size whose other blocks are drawn at random, and
growing it keeps one more block of a good member. Small cells then cost as much as full ones, unlike in the paper; the
order of the decisions remains.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Mapping

from optuna.study import Study

from nas_tune.errors import ConfigError
from nas_tune.strategies.architecture_sampler import ArchitectureSampler
from nas_tune.strategies.predictors import Candidates, Observations, RandomLayers
from nas_tune.strategies.predictors.observations import winsorized
from search_spaces import Architecture, ArchitectureError, NoMemberError, Space, SpaceError
from search_spaces.algebra.flat import Parameter
from search_spaces.architecture import Scalar

__all__ = ["Progressive"]

_LEARNT = 256
_EXTENSIONS = 24
_SMALL_TRIES = 20
_BLOCK = re.compile(r"(?:node|block)_(\d+)")


class Progressive(ArchitectureSampler):
    """Grows good architectures block by block; a surrogate chooses among the extended ones.

    Args:
        space: the space of the study's parameters; it must be able to grow.
        seed: the seed of this proposal and of those after it.
        beam: how many architectures of a size are trained before the next size (the paper's 256; default: 16).
    """

    def __init__(self, space: Space, seed: int, beam: int = 16) -> None:
        if beam < 2:
            raise ConfigError(f"strategy.beam is {beam}; a surrogate needs at least 2 architectures of a size")
        super().__init__(space, seed)
        self.beam = beam
        self._smallest = _smallest(space)

    def propose(self, study: Study, number: int) -> Architecture:
        """Propose a small member at first, then the best extension of the generation before."""
        known, pool = Observations.of(study, self.space, number, self.rng), Candidates.of(self.space)
        level = len(known.scores) // self.beam
        drawn = self._small() if level == 0 else self._extended(known, level)
        unseen = list({made.id: made for made in drawn if made.id not in known.taken}.values())
        if not unseen:
            return pool.fresh(self.rng, known.taken)
        if level == 0:
            return unseen[0]
        places = known.training_set(_LEARNT)
        seen, asked = pool.described(known.architectures[place] for place in places), pool.described(unseen)
        model = RandomLayers(seen.blocks.all(), winsorized(known.scores)[places])
        expected, _ = model.predict(asked.blocks.all())
        return asked.architectures[int(expected.argmax())]

    def _small(self) -> Iterator[Architecture]:
        """Draw members of the smallest size."""
        for _ in range(_SMALL_TRIES):
            try:
                made = (self.space if self.space.blocks else self._smallest).sample(self.rng)
            except NoMemberError:
                # The space's rule refuses all of the smallest.
                made = self.space.sample(self.rng)
            yield made if self.space.blocks else self.space.validate(made.tree)

    def _extended(self, known: Observations, level: int) -> Iterator[Architecture]:
        """Extend the best of the generation before; mutate the best of all if none can grow."""
        first = (level - 1) * self.beam
        generation = sorted(range(first, first + self.beam), key=lambda place: -known.scores[place])
        parents = [known.architectures[place] for place in generation[: max(self.beam // 4, 1)]]
        grown = [self._grown(parents[index % len(parents)], level) for index in range(_EXTENSIONS)]
        if any(grown) or self.space.size == 1:
            yield from filter(None, grown)
            return
        best = known.best(self.beam)
        yield from (self.space.mutate(best[index % len(best)], self.rng) for index in range(_EXTENSIONS))

    def _grown(self, parent: Architecture, level: int) -> Architecture | None:
        """Extend a parent by one random block; None if it has no room or the space's rule refuses the result."""
        decided = self.space.params(parent)
        drawn = self.space.params(self.space.sample(self.rng))
        if self.space.blocks is not None:
            if level >= self.space.blocks:
                return None
            grown = {**drawn, **{name: value for name, value in decided.items() if _block(name) < level}}
        else:
            lists = []
            for length in self.space.parameters:
                if length.repeats and _has_room(length, decided):
                    lists.append(length)
            if not lists:
                return None
            grown = _lengthened(lists[int(self.rng.random() * len(lists))].name, decided, drawn, self.rng)
        try:
            return self.space.from_params(grown)
        except ArchitectureError:
            return None


def _block(name: str) -> int:
    """Find the block of a decision in its cell, from 0; names number blocks after the two inputs."""
    found = _BLOCK.search(name)
    return int(found[1]) - 2 if found else -1


def _has_room(length: Parameter, decided: Mapping[str, Scalar]) -> bool:
    return length.name in decided and length.high is not None and float(decided[length.name] or 0) < length.high


def _lengthened(
    name: str, decided: Mapping[str, Scalar], drawn: Mapping[str, Scalar], rng: random.Random
) -> dict[str, Scalar]:
    """Append one of the drawn items to the list called `name`."""
    count = int(decided[name] or 0)
    source = f"{name}.{int(rng.random() * int(drawn.get(name) or 1))}."
    item = {f"{name}.{count}.{key[len(source) :]}": value for key, value in drawn.items() if key.startswith(source)}
    return {**decided, **item, name: count + 1}


def _smallest(space: Space) -> Space:
    try:
        return space.smallest()
    except SpaceError as error:
        raise ConfigError(
            f"strategy progressive cannot search this space: {error}; take evolution, bananas or auto instead, which "
            "search every space"
        ) from error
