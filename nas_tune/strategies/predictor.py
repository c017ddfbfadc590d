"""Search by a ranker: boosted trees learn the order of all trials, and the best of many candidates is proposed.

The trees (Friedman 2001) are fitted to the ranks of the scores, so that outliers do not matter, on all blocks of
features. They are fitted again whenever there are a fifth more trials. One of `explore` proposals is drawn at random,
so that the ranker also learns about architectures that it ranks low.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any, ClassVar

import numpy as np
from optuna.study import Study

from nas_tune.errors import ConfigError
from nas_tune.strategies.architecture_sampler import ArchitectureSampler
from nas_tune.strategies.predictors import Candidates, Observations
from search_spaces import Architecture, Space

__all__ = ["RankPredictor"]

_PARENTS = 8
_CHILDREN = 16
_RANKERS_KEPT = 16
_STEP = 1.2
_LEARNT = 512


class RankPredictor(ArchitectureSampler):
    """Proposes the candidate that boosted trees, fitted to the ranks of all trials, rank first.

    Args:
        space: the space of the study's parameters.
        seed: the seed of this proposal and of those after it.
        startup: how many trials are drawn at random first (default: 15).
        candidates: how many random members compete with the children of the best trials (default: 60).
        explore: one of this number of proposals is drawn at random (default: 10).
    """

    _rankers: ClassVar[OrderedDict[tuple[object, ...], Any]] = OrderedDict()

    def __init__(self, space: Space, seed: int, startup: int = 15, candidates: int = 60, explore: int = 10) -> None:
        if startup < 2:
            raise ConfigError(f"strategy.startup is {startup}; a ranker needs at least 2 trials to start from")
        if candidates < 1:
            raise ConfigError(
                f"strategy.candidates is {candidates}; the best of them is proposed, so at least 1 is needed"
            )
        if explore < 2:
            raise ConfigError(f"strategy.explore is {explore}; one of so many proposals is random: give at least 2")
        super().__init__(space, seed)
        self.startup, self.candidates, self.explore = startup, candidates, explore

    def propose(self, study: Study, number: int) -> Architecture:
        """Propose the unseen candidate that the trees rank first, or a random member (startup, exploration)."""
        known, pool = Observations.of(study, self.space, number, self.rng), Candidates.of(self.space)
        if len(known.scores) < self.startup or self.rng.random() * self.explore < 1.0:
            return pool.fresh(self.rng, known.taken)
        parents = known.best(_PARENTS)
        strangers = pool.anywhere(self.rng, self.candidates if pool.members else _CHILDREN)
        drawn = [*pool.children(parents, self.rng, _CHILDREN), *strangers]
        unseen = [made for made in drawn if made.id not in known.taken]
        if not unseen:
            return pool.fresh(self.rng, known.taken)
        asked = pool.described(unseen)
        ranks = self._ranker(known, pool).predict(asked.blocks.all())
        return asked.architectures[int(np.argmax(ranks))]

    def _ranker(self, known: Observations, pool: Candidates) -> Any:
        """Return the trees, fitted to the first trials, whose number grows by a fifth at a time."""
        count = self.startup
        while int(count * _STEP) + 1 <= len(known.scores):
            count = int(count * _STEP) + 1
        first = known.settled(count)[-_LEARNT:]
        made, scores = [known.architectures[place] for place in first], known.scores[first]
        key = (id(pool), *made, scores.tobytes())
        ranker = self._rankers.pop(key, None)
        if ranker is None:
            ranker = _fitted(pool.described(made).blocks.all(), scores)
        self._rankers[key] = ranker
        if len(self._rankers) > _RANKERS_KEPT:
            self._rankers.popitem(last=False)
        return ranker


def _fitted(features: Any, scores: Any) -> Any:
    from sklearn.ensemble import GradientBoostingRegressor

    ranks = np.argsort(np.argsort(scores, kind="stable"), kind="stable") / len(scores)
    trees = GradientBoostingRegressor(
        n_estimators=60, max_depth=3, subsample=0.8, max_features="sqrt", random_state=len(scores)
    )
    return trees.fit(features, ranks)
