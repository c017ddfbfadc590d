"""The strategy to take where no other is asked for: Bayesian optimization over decisions, counts and paths.

A Gaussian process is fitted to all trials (`predictors.gaussian`): to few of them under several kernels, each weighed
by its likelihood, since 20 trials cannot tell kernels apart and the likeliest alone may be wrong. Of the members of a
small space, or of children of the best trials and strangers, the one with the greatest expected improvement (Jones
et al. 1998) is proposed, after a short climb along the expectation. The first proposals are spread out: each is, of
some drawn at random, the one least like those before. Running trials count as if they had scored what is expected.
Several objectives are weighed anew at every proposal (ParEGO, Knowles 2006; see `predictors.evidence`).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

import numpy as np
from optuna.study import Study
from scipy.special import ndtr

from nas_tune.errors import ConfigError
from nas_tune.objectives.objective import several_objectives
from nas_tune.strategies.architecture_sampler import ArchitectureSampler
from nas_tune.strategies.predictors import Candidates, Evidence, GaussianModel
from nas_tune.strategies.predictors.evidence import fenced
from nas_tune.strategies.predictors.features import Numbers
from nas_tune.strategies.predictors.gaussian import Shapes
from search_spaces import Architecture, Space

__all__ = ["Auto"]

_LEARNT = 200
_ELITES = 6
_SPREAD_AMONG = 16
_CLIMBS = 2
_STEP = 1.3
_SHAPES_KEPT = 1_000
_FEW = 60
_SHAPES_ASKED = 4


@several_objectives
class Auto(ArchitectureSampler):
    """Proposes what a Gaussian process of features and paths expects to improve most; the default.

    Args:
        space: the space of the study's parameters.
        seed: of this proposal and the following ones.
        startup: how many trials are spread over the space before the model is asked (default: 4).
        candidates: how many strangers compete with the children of the best trials (default: 300).
    """

    _shapes: ClassVar[dict[tuple[object, ...], Shapes]] = {}

    def __init__(self, space: Space, seed: int, startup: int = 4, candidates: int = 300) -> None:
        if startup < 2:
            raise ConfigError(f"strategy.startup is {startup}; a model needs at least 2 trials to start from")
        if candidates < 1:
            raise ConfigError(f"strategy.candidates is {candidates}; the best is chosen of at least 1")
        super().__init__(space, seed)
        self.startup, self.candidates = startup, candidates

    def propose(self, study: Study, number: int) -> Architecture:
        """The candidate of the greatest expected improvement; one that was proposed before only where all were."""
        known = Evidence.of(study, self.space, number, self.rng)
        pool = Candidates.of(self.space)
        if len(known.scores) < self.startup:
            return self.spread(known, pool)
        model, top = self.fitted(known, pool)
        made, gain = self._best(self._drawn(known, pool), model, top, known, pool)
        for _ in range(_CLIMBS):
            if made is None:
                break
            steps = pool.around(made) if pool.members else pool.children([made], self.rng, 6)
            better, more = self._best(steps, model, top, known, pool)
            if better is None or more <= gain:
                break
            made, gain = better, more
        return made or self.spread(known, pool)

    def spread(self, known: Evidence, pool: Candidates) -> Architecture:
        """Of some drawn at random, the one least like all that was proposed before."""
        drawn = [made for made in pool.anywhere(self.rng, _SPREAD_AMONG) if made.id not in known.taken]
        before = [*known.architectures, *known.pending][-_LEARNT:]
        if not drawn:
            return pool.fresh(self.rng, known.taken)
        if not before:
            return drawn[0]
        here, there = pool.described(drawn), pool.described(before)
        a, b = here.blocks.decisions, there.blocks.decisions
        squares = (a * a).sum(1)[:, None] + (b * b).sum(1)[None] - 2.0 * (a @ b.T)
        return here.architectures[int(squares.min(axis=1).argmax())]

    def fitted(self, known: Evidence, pool: Candidates) -> tuple[GaussianModel, float]:
        """The model of what is known, running trials taken as expected, and the best expected score."""
        places = known.weightiest(_LEARNT)
        made = [known.architectures[place] for place in places]
        scores, doubt = fenced(known.scores)[places], known.doubt[places]
        seen = pool.described(made)
        model = GaussianModel(seen.blocks, scores, doubt, self._assumed(known, pool))
        complete = scores[doubt <= doubt.min()]
        top = float(complete.max())
        if not known.pending:
            return model, top
        running = pool.described(known.pending)
        expected, _ = model.predict(running.blocks)
        both = pool.described([*made, *running.architectures])
        scores, doubt = np.append(scores, expected), np.append(doubt, np.ones(len(expected)))
        return GaussianModel(both.blocks, scores, doubt, model.shapes), top

    def _assumed(self, known: Evidence, pool: Candidates) -> Shapes:
        """The likeliest shapes of few trials; of more the one for the first so many, the same for a third more."""
        count = len(known.scores)
        most = _SHAPES_ASKED if count <= _FEW else 1
        if count > _FEW:
            count = self.startup
            while int(count * _STEP) + 1 <= len(known.scores):
                count = int(count * _STEP) + 1
        first = known.steady(count)[-_LEARNT:] if most == 1 else list(range(count))
        made, scores, doubt = [known.architectures[place] for place in first], known.scores[first], known.doubt[first]
        key = (id(pool), most, *made, scores.tobytes(), doubt.tobytes())
        if key not in self._shapes:
            if len(self._shapes) >= _SHAPES_KEPT:
                self._shapes.clear()
            model = GaussianModel(pool.described(made).blocks, fenced(scores), doubt, most=most)
            self._shapes[key] = model.shapes
        return self._shapes[key]

    def _drawn(self, known: Evidence, pool: Candidates) -> Iterable[Architecture]:
        elites = known.best(_ELITES)
        yield from (child for elite in elites for child in pool.around(elite))
        yield from pool.anywhere(self.rng, self.candidates if pool.members else 4)
        yield from pool.children(elites, self.rng, 0 if pool.members else 10)

    def _best(
        self, drawn: Iterable[Architecture], model: GaussianModel, top: float, known: Evidence, pool: Candidates
    ) -> tuple[Architecture | None, float]:
        """The most promising of those that were never proposed, and the logarithm of its expected improvement."""
        fresh = [made for made in drawn if made.id not in known.taken]
        if not fresh:
            return None, -np.inf
        described = pool.described(fresh)
        shares = np.array([share for share, _ in model.shapes])
        gains = np.logaddexp.reduce(shares[:, None] + _log_improvement(*model.answers(described.blocks), top), axis=0)
        best = int(gains.argmax())
        return described.architectures[best], float(gains[best])


def _log_improvement(mean: Numbers, deviation: Numbers, top: float) -> Numbers:
    """The logarithm of the expected improvement; where that is nearly none, still greater for the likelier."""
    z = (mean - top) / deviation
    density = np.exp(-0.5 * z * z) / np.sqrt(2.0 * np.pi)
    near = np.log(np.maximum(z * ndtr(z) + density, 1e-300))
    far = -0.5 * z * z - 2.0 * np.log(np.maximum(-z, 1.0)) - 0.5 * np.log(2.0 * np.pi)
    gains: Numbers = np.log(deviation) + np.where(z < -5.0, far, near)
    return gains
