"""The default strategy: Bayesian optimization on features of decisions, counts and paths.

A Gaussian process is fitted to the trials (`predictors.gaussian`). With few trials it averages several kernels,
weighted by their likelihoods, since 20 trials do not determine the kernel and the likeliest alone may be wrong.
Candidates are the members of a small space, or children of the best trials and random members. The one with the
greatest expected improvement (Jones et al. 1998) is proposed, after a short local search. The first proposals are
spread out: each is the one of several random members that differs most from the earlier ones. A running trial counts
with its expected score. Several objectives get new weights at every proposal (ParEGO, Knowles 2006; see
`predictors.observations`).
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
from nas_tune.strategies.predictors import Candidates, GaussianModel, Observations
from nas_tune.strategies.predictors.features import Numbers
from nas_tune.strategies.predictors.gaussian import WeightedHyperparameters
from nas_tune.strategies.predictors.observations import winsorized
from search_spaces import Architecture, Space

__all__ = ["Auto"]

_LEARNT = 200
_ELITES = 6
_SPREAD_AMONG = 16
_CLIMBS = 2
_STEP = 1.3
_HYPERPARAMETERS_KEPT = 1_000
_FEW = 60
_HYPERPARAMETERS_ASKED = 4


@several_objectives
class Auto(ArchitectureSampler):
    """Proposes the candidate with the greatest expected improvement of a Gaussian process; the default strategy.

    Args:
        space: the space of the study's parameters.
        seed: the seed of this proposal and of those after it.
        startup: how many trials are spread over the space before the first model (default: 4).
        candidates: how many random members compete with the children of the best trials (default: 300).
    """

    _hyperparameters: ClassVar[dict[tuple[object, ...], WeightedHyperparameters]] = {}

    def __init__(self, space: Space, seed: int, startup: int = 4, candidates: int = 300) -> None:
        if startup < 2:
            raise ConfigError(f"strategy.startup is {startup}; a model needs at least 2 trials to start from")
        if candidates < 1:
            raise ConfigError(
                f"strategy.candidates is {candidates}; the best of them is proposed, so at least 1 is needed"
            )
        super().__init__(space, seed)
        self.startup, self.candidates = startup, candidates

    def propose(self, study: Study, number: int) -> Architecture:
        """Propose the unseen candidate with the greatest expected improvement; any member if none is unseen."""
        known = Observations.of(study, self.space, number, self.rng)
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

    def spread(self, known: Observations, pool: Candidates) -> Architecture:
        """Propose the one of several random members that differs most from all earlier architectures.

        Args:
            known: the observations of the study.
            pool: the candidates of the space.

        Returns:
            A member, unseen if one is found.
        """
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

    def fitted(self, known: Observations, pool: Candidates) -> tuple[GaussianModel, float]:
        """Fit the model to the observations; running trials count with their expected scores.

        Args:
            known: the observations of the study.
            pool: the candidates of the space.

        Returns:
            The model, and the best score to improve on: that of the least noisy observations.
        """
        places = known.training_set(_LEARNT)
        made = [known.architectures[place] for place in places]
        scores, noise_factors = winsorized(known.scores)[places], known.noise_factors[places]
        seen = pool.described(made)
        model = GaussianModel(seen.blocks, scores, noise_factors, self._assumed(known, pool))
        complete = scores[noise_factors <= noise_factors.min()]
        top = float(complete.max())
        if not known.pending:
            return model, top
        running = pool.described(known.pending)
        expected, _ = model.predict(running.blocks)
        both = pool.described([*made, *running.architectures])
        scores, noise_factors = np.append(scores, expected), np.append(noise_factors, np.ones(len(expected)))
        return GaussianModel(both.blocks, scores, noise_factors, model.hyperparameters), top

    def _assumed(self, known: Observations, pool: Candidates) -> WeightedHyperparameters:
        """Return the hyperparameters: several weighted choices for few trials, else the likeliest one.

        With more trials they are fitted to the first ones, whose number grows by about a third at a time.
        """
        count = len(known.scores)
        most = _HYPERPARAMETERS_ASKED if count <= _FEW else 1
        if count > _FEW:
            count = self.startup
            while int(count * _STEP) + 1 <= len(known.scores):
                count = int(count * _STEP) + 1
        first = known.settled(count)[-_LEARNT:] if most == 1 else list(range(count))
        made, scores, noise_factors = (
            [known.architectures[place] for place in first],
            known.scores[first],
            known.noise_factors[first],
        )
        key = (id(pool), most, *made, scores.tobytes(), noise_factors.tobytes())
        if key not in self._hyperparameters:
            if len(self._hyperparameters) >= _HYPERPARAMETERS_KEPT:
                self._hyperparameters.clear()
            model = GaussianModel(pool.described(made).blocks, winsorized(scores), noise_factors, most=most)
            self._hyperparameters[key] = model.hyperparameters
        return self._hyperparameters[key]

    def _drawn(self, known: Observations, pool: Candidates) -> Iterable[Architecture]:
        elites = known.best(_ELITES)
        for elite in elites:
            yield from pool.around(elite)
        yield from pool.anywhere(self.rng, self.candidates if pool.members else 4)
        yield from pool.children(elites, self.rng, 0 if pool.members else 10)

    def _best(
        self, drawn: Iterable[Architecture], model: GaussianModel, top: float, known: Observations, pool: Candidates
    ) -> tuple[Architecture | None, float]:
        """Find the unseen candidate with the greatest expected improvement, and the logarithm of that."""
        fresh = [made for made in drawn if made.id not in known.taken]
        if not fresh:
            return None, -np.inf
        described = pool.described(fresh)
        shares = np.array([share for share, _ in model.hyperparameters])
        gains = np.logaddexp.reduce(
            shares[:, None] + _log_improvement(*model.predict_each(described.blocks), top), axis=0
        )
        best = int(gains.argmax())
        return described.architectures[best], float(gains[best])


def _log_improvement(mean: Numbers, deviation: Numbers, top: float) -> Numbers:
    """Compute the log expected improvement; far below `top` by its asymptotic form, against underflow."""
    z = (mean - top) / deviation
    density = np.exp(-0.5 * z * z) / np.sqrt(2.0 * np.pi)
    near = np.log(np.maximum(z * ndtr(z) + density, 1e-300))
    far = -0.5 * z * z - 2.0 * np.log(np.maximum(-z, 1.0)) - 0.5 * np.log(2.0 * np.pi)
    gains: Numbers = np.log(deviation) + np.where(z < -5.0, far, near)
    return gains
