"""BOHB: which trials a density is made of, and in which order its draws are proposed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import optuna
import pytest
from optuna.trial import TrialState, create_trial

from nas_tune.strategies.bohb import Bohb
from nas_tune.strategies.flat_encoding import FlatEncoding
from nas_tune.strategies.history import History
from nas_tune.strategies.kernel_density import KernelDensity
from search_spaces import Architecture, Space, choice
from tests.toys import ruled_space

SPACE = Space({"a": choice(*range(30))})


def study_of(space: Space, scores: Mapping[int, Mapping[int, float]]) -> optuna.Study:
    """Complete trials by the seed of their architecture, with their scores by epoch."""
    study = optuna.create_study(direction="maximize")
    for seed, curve in scores.items():
        made = SPACE.validate({"a": seed}) if space is SPACE else space.sample(seed)
        study.add_trial(
            create_trial(
                state=TrialState.PRUNED,
                value=curve[max(curve)],
                params=space.params(made),
                distributions=space.to_optuna(),
                intermediate_values=dict(curve),
            )
        )
    return study


def parts(study: optuna.Study, **settings: Any) -> tuple[list[int], list[int]] | None:
    """The decisions of the good trials and of the others."""
    found = Bohb(SPACE, 0, **settings)._parts(History.of(study, SPACE, len(study.trials)))
    return None if found is None else (found[0][:, 0].astype(int).tolist(), found[1][:, 0].astype(int).tolist())


def rising(count: int, epochs: int = 1) -> dict[int, dict[int, float]]:
    """The later, the better."""
    return {seed: {epoch: seed / 100 + epoch for epoch in range(1, epochs + 1)} for seed in range(count)}


def test_the_best_are_good_and_each_part_has_the_least_number_of_trials() -> None:
    """One decision: a density needs two trials, both of them four."""
    assert parts(study_of(SPACE, {})) is None
    assert parts(study_of(SPACE, rising(3))) is None
    assert parts(study_of(SPACE, rising(4))) == ([3, 2], [1, 0])
    assert parts(study_of(SPACE, rising(20))) == ([19, 18, 17], list(range(16, -1, -1)))
    assert parts(study_of(SPACE, rising(20)), top=0.5) == (list(range(19, 9, -1)), list(range(9, -1, -1)))


def test_the_least_number_can_be_set() -> None:
    assert parts(study_of(SPACE, rising(6)), min_points=5) is None
    assert parts(study_of(SPACE, rising(7)), min_points=5) == ([6, 5, 4, 3, 2], [4, 3, 2, 1, 0])
    assert parts(study_of(SPACE, rising(10)), top=0.9) == (list(range(9, 0, -1)), [1, 0])


def test_the_highest_epoch_that_enough_trials_reached_decides() -> None:
    curves = rising(8)
    for seed in (0, 1, 2, 3):
        curves[seed][3] = 1 - seed / 100
    assert parts(study_of(SPACE, curves)) == ([0, 1], [2, 3])
    del curves[3][3]
    assert parts(study_of(SPACE, curves)) == ([7, 6], [5, 4, 3, 2, 1, 0])


class Recorded(FlatEncoding):
    """Keeps what was asked."""

    def __init__(self, space: Space) -> None:
        super().__init__(space)
        self.refused: list[Mapping[str, object]] = []
        self.asked = 0

    def allowed(self, values: Mapping[str, object]) -> Architecture | None:
        found = super().allowed(values)
        self.asked += 1
        if found is None:
            self.refused.append(values)
        return found


def test_draws_are_proposed_by_their_ratio_and_then_the_nearest_to_those_that_a_rule_refuses() -> None:
    space = ruled_space()
    made = [space.sample(seed) for seed in range(24)]
    study = study_of(space, {seed: {1: float(one["a"] + one["b"])} for seed, one in enumerate(made)})
    sampler = Bohb(space, 3, random_fraction=0.0, candidates=40)
    recorded = sampler.codes.encoding = Recorded(space)
    history = History.of(study, space, 24)
    found = list(sampler.candidates(history, 24))
    assert (len(found), recorded.asked) == (40, 40)
    refused = len(recorded.refused)
    assert 0 < refused < 40
    good, others = (KernelDensity(sampler.codes, part) for part in sampler._parts(history) or ())
    rows = np.array([sampler.codes.row(one) for one in found[: 40 - refused]])
    ratios = good.log(rows) - others.log(rows)
    assert (np.diff(ratios) <= 0).all()
    assert ratios[0] > ratios[-1]
    assert found[40 - refused :] == [recorded.nearest(values) for values in recorded.refused]


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_the_bounds_of_its_settings_are_allowed(share: float) -> None:
    sampler = Bohb(SPACE, 0, random_fraction=share, candidates=1, min_points=2, top=0.01, widening=0.01)
    study = study_of(SPACE, rising(4))
    drawn = sampler.candidates(History.of(study, SPACE, 4), 4)
    assert next(drawn)["a"] in range(30)
    assert sum(1 for _ in zip(drawn, range(5), strict=False)) == (5 if share else 0), "draws at random have no end"
