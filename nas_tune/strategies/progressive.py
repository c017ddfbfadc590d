"""Progressive search (Liu et al. 2018, PNAS, arXiv 1712.00559): architectures grow block by block under a surrogate.

A generation is `beam` architectures of one size. The first are small and drawn at random; when a generation has
its answers, its members grow by one block, a surrogate fitted to everything so far ranks what they may become, and
the `beam` best are the next generation. At full size generations go on, of mutations of the best instead.

Where lists grow (chain, mlp, ..) members of all sizes are trained as they are. The cells of a study (pnas, darts,
nasnet) have one size: a smaller cell stands in a member of full size whose other blocks are drawn at random, and
growing it keeps one block more of the best, which the surrogate chose. So the paper's saving on small cells is lost
there, and what remains is the order in which decisions are made.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Mapping

from optuna.study import Study

from nas_tune.errors import ConfigError
from nas_tune.strategies.architecture_sampler import ArchitectureSampler
from nas_tune.strategies.predictors import Candidates, Evidence, RandomLayers
from nas_tune.strategies.predictors.evidence import fenced
from search_spaces import Architecture, ArchitectureError, NoMemberError, Space, SpaceError
from search_spaces.algebra.flat import Parameter
from search_spaces.architecture import Scalar

__all__ = ["Progressive"]

_LEARNT = 256
_EXTENSIONS = 24
_SMALL_TRIES = 20
_BLOCK = re.compile(r"(?:node|block)_(\d+)")


class Progressive(ArchitectureSampler):
    """Grows lists block by block: of what the best may become, a surrogate chooses.

    Args:
        space: the space of the study's parameters; it must be able to grow.
        seed: of this proposal and the following ones.
        beam: how many architectures of a size are trained before the next size (the paper's 256; default: 16).
    """

    def __init__(self, space: Space, seed: int, beam: int = 16) -> None:
        if beam < 2:
            raise ConfigError(f"strategy.beam is {beam}; a surrogate needs at least 2 architectures of a size")
        super().__init__(space, seed)
        self.beam = beam
        self._smallest = _smallest(space)

    def propose(self, study: Study, number: int) -> Architecture:
        """A small one at first, then the best of what the generation before may become."""
        known, pool = Evidence.of(study, self.space, number, self.rng), Candidates.of(self.space)
        level = len(known.scores) // self.beam
        drawn = self._small() if level == 0 else self._extended(known, level)
        unseen = list({made.id: made for made in drawn if made.id not in known.taken}.values())
        if not unseen:
            return pool.fresh(self.rng, known.taken)
        if level == 0:
            return unseen[0]
        places = known.weightiest(_LEARNT)
        seen, asked = pool.described(known.architectures[place] for place in places), pool.described(unseen)
        model = RandomLayers(seen.blocks.all(), fenced(known.scores)[places])
        expected, _ = model.predict(asked.blocks.all())
        return asked.architectures[int(expected.argmax())]

    def _small(self) -> Iterator[Architecture]:
        """Members that are as small as the space has them."""
        for _ in range(_SMALL_TRIES):
            try:
                made = (self.space if self.space.blocks else self._smallest).sample(self.rng)
            except NoMemberError:
                # The space's rule allows none of the smallest.
                made = self.space.sample(self.rng)
            yield made if self.space.blocks else self.space.validate(made.tree)

    def _extended(self, known: Evidence, level: int) -> Iterator[Architecture]:
        """What the best of the generation before may become; mutations of the best where they are fully grown."""
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
        """The parent with one block more, drawn; None where it has no room or the space's rule refuses it."""
        decided = self.space.params(parent)
        drawn = self.space.params(self.space.sample(self.rng))
        if self.space.blocks is not None:
            if level >= self.space.blocks:
                return None
            grown = {**drawn, **{name: value for name, value in decided.items() if _block(name) < level}}
        else:
            lists = [one for one in self.space.parameters if one.repeats and _has_room(one, decided)]
            if not lists:
                return None
            grown = _lengthened(lists[int(self.rng.random() * len(lists))].name, decided, drawn, self.rng)
        try:
            return self.space.from_params(grown)
        except ArchitectureError:
            return None


def _block(name: str) -> int:
    """Which block of its cell a decision belongs to, from 0; blocks are numbered after the two inputs."""
    found = _BLOCK.search(name)
    return int(found[1]) - 2 if found else -1


def _has_room(length: Parameter, decided: Mapping[str, Scalar]) -> bool:
    return length.name in decided and float(decided[length.name] or 0) < (length.high or 0.0)


def _lengthened(
    name: str, decided: Mapping[str, Scalar], drawn: Mapping[str, Scalar], rng: random.Random
) -> dict[str, Scalar]:
    """The decisions with one item more at the end of the list called `name`: one of the items that were drawn."""
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
