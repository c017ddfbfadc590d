"""Initial designs: what a search tries first, before its strategy has anything to learn from.

    initial = { name = "zero_cost", proxy = "synflow", candidates = 100, trials = 8 }

`zero_cost` draws candidates at random and lets the trainable score them untrained; the best are the first trials,
and the strategy goes on from there. The same space, trainable and seed give the same design.
"""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from nas_tune.config import Component
from nas_tune.config.components import make_component
from nas_tune.coordination.proposer import derive_seed
from nas_tune.errors import ConfigError
from nas_tune.strategies.unseen import Unseen
from search_spaces import Architecture, Space
from search_spaces.errors import UnknownNameError
from trainables.protocol import Scoring, Trainable

__all__ = [
    "INITIAL_DESIGNS",
    "Design",
    "Progress",
    "ScoreFunction",
    "ZeroCost",
    "make",
    "ranked_design",
    "summed_ranks",
]

ScoreFunction = Callable[[Architecture], Sequence[float]]
"""The scores of one architecture, more being better; the ranks by each are added up."""
Progress = Callable[[int, int], None]
"""Told how many candidates are scored, of how many."""

_DRAWS = 20
_STREAM = 3


@dataclass(frozen=True, slots=True)
class Design:
    """The architectures to begin with.

    Attributes:
        architectures: the best first, no two of one id.
        scored: how many candidates have a score.
        failed: how many have none.
        cause: what the first of those died of; empty where there is none.
    """

    architectures: tuple[Architecture, ...]
    scored: int
    failed: int = 0
    cause: str = ""

    def __str__(self) -> str:
        lost = f", {self.failed} could not be scored (first: {self.cause})" if self.failed else ""
        return f"tried first: the best {len(self.architectures)} of {self.scored} candidates{lost}"


def ranked_design(
    space: Space,
    scorer: ScoreFunction,
    *,
    candidates: int = 100,
    trials: int = 8,
    seed: int = 0,
    progress: Progress | None = None,
) -> Design:
    """Score random members of a space and take the best.

    A candidate whose score raises, or is NaN or +inf, is left out and counted. Of equal ones the first drawn wins.

    Args:
        space: from which the candidates are drawn.
        scorer: gives one score or several of an architecture; more is better.
        candidates: the number to draw; a smaller space gives fewer.
        trials: the number to take.
        seed: decides the draw.
        progress: called after each candidate.

    Returns:
        The design.

    Raises:
        ConfigError: not one candidate has a score.
    """
    scored: list[tuple[Architecture, Sequence[float]]] = []
    causes: list[str] = []
    drawn = _drawn(space, candidates, seed)
    for number, candidate in enumerate(drawn, 1):
        try:
            scored.append((candidate, _usable(scorer(candidate))))
        except Exception as error:  # noqa: BLE001 -- a candidate's network may fail in any way, as a trial's may
            causes.append(f"{type(error).__name__}: {error}")
        if progress is not None:
            progress(number, len(drawn))
    if not scored:
        raise ConfigError(
            f"initial: not one of {len(drawn)} candidates could be scored; the first: {causes[0]}; "
            "take another proxy, or leave `initial` out"
        )
    ranks = summed_ranks([scores for _, scores in scored])
    order = sorted(range(len(scored)), key=lambda index: -ranks[index])[:trials]
    best = tuple(scored[index][0] for index in order)
    return Design(best, len(scored), len(causes), causes[0] if causes else "")


def summed_ranks(scores: Sequence[Sequence[float]]) -> list[float]:
    """Add up the ranks of each row over the columns.

    Args:
        scores: (rows, columns).

    Returns:
        One sum for each row. The least value of a column has rank 0; equal values share their mean rank.
    """
    columns = [_ranks(column) for column in zip(*scores, strict=True)]
    return [sum(ranks) for ranks in zip(*columns, strict=True)]


@dataclass(frozen=True)
class ZeroCost:
    """Random candidates, scored by the trainable without training; the best are the first trials.

    Attributes:
        proxy: a score of the trainable, or several whose ranks are added up, such as "jacov+synflow". The default
            raised the validation accuracy of the first trials on NAS-Bench-201 most, and is the cheapest.
        candidates: how many are drawn.
        trials: how many of them are tried.
    """

    proxy: str = "synflow"
    candidates: int = 100
    trials: int = 8

    def __post_init__(self) -> None:
        if self.trials < 1:
            raise ConfigError(f"initial.trials is {self.trials}; at least one trial is needed, or leave `initial` out")
        if self.candidates < self.trials:
            raise ConfigError(
                f"initial.candidates is {self.candidates}, fewer than the {self.trials} trials that are chosen of "
                "them; draw more candidates"
            )

    @property
    def proxies(self) -> list[str]:
        """The single names of `proxy`."""
        return [part.strip() for part in self.proxy.split("+")]

    def check(self, trainable: Trainable) -> None:
        """Refuse a trainable that cannot give the scores.

        Args:
            trainable: of the search, with its settings.

        Raises:
            ConfigError: it scores no architecture that is not trained.
            UnknownNameError: it lacks one of the proxies.
        """
        for name in self.proxies:
            if name not in _scoring(trainable).proxies:
                raise UnknownNameError("zero-cost proxy", name, _scoring(trainable).proxies)

    def design(self, space: Space, trainable: Trainable, seed: int, progress: Progress | None = None) -> Design:
        """Draw and score the candidates of a search.

        Args:
            space: of the search.
            trainable: scores the candidates.
            seed: of the search.
            progress: called after each candidate.

        Returns:
            The design.

        Raises:
            ConfigError: the trainable scores nothing, or no candidate has a score.
            UnknownNameError: the trainable lacks one of the proxies.
        """
        self.check(trainable)
        scoring, proxies = _scoring(trainable), self.proxies
        return ranked_design(
            space,
            lambda architecture: [scoring.zero_cost(architecture, proxy, seed=seed) for proxy in proxies],
            candidates=self.candidates,
            trials=self.trials,
            seed=seed,
            progress=progress,
        )


INITIAL_DESIGNS: Mapping[str, Callable[..., ZeroCost]] = {"zero_cost": ZeroCost}


def make(component: Component) -> ZeroCost:
    """Make the initial design of a configuration.

    Args:
        component: the value of the key `initial`.

    Returns:
        The design's settings, checked.

    Raises:
        UnknownNameError: there is no such design.
        ConfigError: it does not take a setting, or a value breaks a rule.
    """
    return make_component("initial", INITIAL_DESIGNS, component.name, {}, component.settings)


def _scoring(trainable: Trainable) -> Scoring:
    if not isinstance(trainable, Scoring):
        raise ConfigError(
            f"initial: {type(trainable).__name__} cannot score an architecture that is not trained; leave `initial` "
            "out, or give its class `proxies` and `zero_cost(architecture, proxy, seed=...)`"
        )
    return trainable


def _drawn(space: Space, count: int, seed: int) -> list[Architecture]:
    """`count` random members, no two of one id; fewer only where a search for others finds none."""
    rng = random.Random(derive_seed(seed, _STREAM))
    found: dict[str, Architecture] = {}
    for _ in range(_DRAWS * count):
        made = space.sample(rng)
        found.setdefault(made.id, made)
        if len(found) == count:
            return list(found.values())
    others = Unseen(space)
    while len(found) < count and (other := others.find(made, found, rng, found.values())) is not None:
        found[other.id] = other
    return list(found.values())


def _usable(scores: Sequence[float]) -> Sequence[float]:
    for score in scores:
        if math.isnan(score) or score == math.inf:
            raise ValueError(f"its score is {score}; a number, or -inf for the worst, is needed")
    return scores


def _ranks(values: Sequence[float]) -> list[float]:
    below, equal = Counter[float](), Counter(values)
    seen = 0
    for value in sorted(equal):
        below[value] = seen
        seen += equal[value]
    return [below[value] + (equal[value] - 1) / 2 for value in values]
