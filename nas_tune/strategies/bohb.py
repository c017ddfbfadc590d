"""The model of BOHB (Falkner et al., ICML 2018, arXiv 1807.01774); use it with the scheduler `hyperband`.

Every epoch is a budget. The model is fitted to the scores at the last epoch that enough trials have reached, running
ones included: one density of the good trials, one of the others. The proposal is the candidate with the greatest ratio
of the two. In conditional spaces the density of a decision is uniform for the trials in which it is inactive.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from nas_tune.errors import ConfigError
from nas_tune.strategies.history import History, ScoreCurve
from nas_tune.strategies.kernel_density import Codes, KernelDensity
from nas_tune.strategies.unseen_sampler import UnseenSampler
from search_spaces import Architecture, Space

__all__ = ["Bohb"]


class Bohb(UnseenSampler):
    """Draws around good trials, on the highest budget that enough trials have reached; a share is drawn at random.

    Args:
        space: the space of the study's parameters.
        seed: of this proposal.
        random_fraction: share of the proposals that are drawn at random (the paper's rho; default: 1/3).
        top: share of a budget's trials that are good (1 - gamma there: the best 15 %; default: 0.15).
        candidates: draws of which the best is proposed (N_s; default: 64).
        min_points: trials that a density needs (N_min); by default one more than an architecture has decisions.
        widening: factor of the bandwidths by which numbers are drawn (the paper's bandwidth factor; default: 3.0).
    """

    def __init__(
        self,
        space: Space,
        seed: int,
        random_fraction: float = 1 / 3,
        top: float = 0.15,
        candidates: int = 64,
        min_points: int | None = None,
        widening: float = 3.0,
    ) -> None:
        super().__init__(space, seed)
        if not 0 <= random_fraction <= 1:
            raise ConfigError(f"strategy.random_fraction is {random_fraction}; a share lies between 0 and 1")
        if not 0 < top < 1:
            raise ConfigError(
                f"strategy.top is {top}; it is the share of trials that count as good, above 0 and below 1"
            )
        if candidates < 1:
            raise ConfigError(
                f"strategy.candidates is {candidates}; the best of them is proposed, so at least 1 is needed"
            )
        if min_points is not None and min_points < 2:
            raise ConfigError(f"strategy.min_points is {min_points}; a density needs at least 2 trials")
        if widening <= 0:
            raise ConfigError(f"strategy.widening is {widening}; it is a factor above 0")
        self.random_fraction, self.top, self.draws = random_fraction, top, candidates
        self.min_points, self.widening = min_points, widening
        self.codes = Codes(space)

    def candidates(self, history: History, number: int) -> Iterator[Architecture]:
        """Yield draws by descending ratio; then the nearest members to draws that the space's rule refuses."""
        parts = None if self.rng.random() < self.random_fraction else self._parts(history)
        if parts is None:
            yield from self.at_random()
            return
        good, others = (KernelDensity(self.codes, part) for part in parts)
        rng = np.random.default_rng(self.rng.getrandbits(64))
        encoding, drawn = (
            self.codes.encoding,
            [self.codes.values(row) for row in good.draw(self.draws, self.widening, rng)],
        )
        asked = [encoding.allowed(values) for values in drawn]
        made = [architecture for architecture in asked if architecture is not None]
        if made:
            rows = np.array([self.codes.row(architecture) for architecture in made])
            ratio = good.log(rows) - others.log(rows)
            yield from (made[index] for index in np.argsort(-ratio, kind="stable"))
        yield from (encoding.nearest(values) for values, one in zip(drawn, asked, strict=True) if one is None)

    def _parts(self, history: History) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
        """Split the trials of the highest budget with enough of them into good and other ones; else None."""
        curves = history.curves()
        if not curves:
            return None
        rows = np.array([self._row(curve, history) for curve in curves])
        least = self.min_points or 1 + round(float((~np.isnan(rows)).sum(axis=1).mean()))
        epochs = Counter(epoch for curve in curves for epoch in curve.scores)
        budget = max((epoch for epoch, reached in epochs.items() if reached >= least + 2), default=None)
        if budget is None:
            return None
        reached = [index for index, curve in enumerate(curves) if budget in curve.scores]
        rows = rows[sorted(reached, key=lambda index: -curves[index].scores[budget])]
        n_good = max(least, int(self.top * len(rows)))
        return rows[:n_good], rows[-max(least, len(rows) - n_good) :]

    def _row(self, curve: ScoreCurve, history: History) -> list[float]:
        row: list[float] | None = history.notes.get(("codes", curve.number))
        if row is None:
            row = history.notes["codes", curve.number] = self.codes.row(curve.architecture)
        return row
