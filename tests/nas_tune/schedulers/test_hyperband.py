"""Brackets of different patience, dealt by trial number."""

from __future__ import annotations

import random
from collections import Counter

from nas_tune.schedulers.base import Verdict
from nas_tune.schedulers.hyperband import Hyperband


def test_the_brackets_are_those_of_the_paper() -> None:
    """R = 9 and eta = 3: brackets that start with 9 trials at 1 epoch, 5 at 3 epochs, 3 at 9 epochs."""
    hyperband = Hyperband(max_epochs=9)
    assert [bracket.rungs for bracket in hyperband.brackets] == [(1, 3), (3,), ()]
    dealt = Counter(hyperband.bracket_of(trial) for trial in range(17))
    assert dealt == {0: 9, 1: 5, 2: 3}
    assert [hyperband.bracket_of(trial) for trial in range(17)] == [hyperband.bracket_of(t + 17) for t in range(17)]


def test_the_paper_again_with_more_epochs() -> None:
    """R = 81: n = 81, 34, 15, 8, 5."""
    hyperband = Hyperband(max_epochs=81)
    sizes = Counter(hyperband.bracket_of(trial) for trial in range(143))
    assert [sizes[bracket] for bracket in range(5)] == [81, 34, 15, 8, 5]


def test_every_stretch_of_trials_has_its_share_of_each_bracket() -> None:
    hyperband = Hyperband(max_epochs=9)
    for start in range(0, 34, 6):
        assert len({hyperband.bracket_of(trial) for trial in range(start, start + 8)}) == 3


def test_trials_are_measured_within_their_bracket_only() -> None:
    hyperband = Hyperband(max_epochs=9)
    patient = [trial for trial in range(40) if hyperband.bracket_of(trial) == 2]
    hasty = [trial for trial in range(40) if hyperband.bracket_of(trial) == 0]
    for trial in hasty[:3]:
        hyperband.observe(trial, 1, 0.9)
    assert {hyperband.observe(patient[0], epoch, 0.0) for epoch in range(1, 10)} == {Verdict.GO_ON}
    assert hyperband.observe(hasty[3], 1, 0.0) is Verdict.STOP


def test_it_saves_epochs_and_keeps_the_best() -> None:
    rng = random.Random(3)
    worth = [rng.random() for _ in range(170)]
    hyperband = Hyperband(max_epochs=9)
    epochs, finished = 0, []
    for trial, value in enumerate(worth):
        for epoch in range(1, 10):
            epochs += 1
            if hyperband.observe(trial, epoch, value * epoch) is Verdict.STOP:
                break
        else:
            finished.append(trial)
        hyperband.forget(trial)
    full = 9 * len(worth)
    assert epochs < 0.6 * full
    # The patient bracket trains all that it is dealt; of the others the better ones remain.
    assert sum(worth[trial] for trial in finished) / len(finished) > 0.6
    assert max(worth) == max(worth[trial] for trial in finished)


def test_with_one_epoch_there_is_nothing_to_save() -> None:
    hyperband = Hyperband(max_epochs=1)
    assert {hyperband.observe(trial, 1, -trial) for trial in range(20)} == {Verdict.GO_ON}
