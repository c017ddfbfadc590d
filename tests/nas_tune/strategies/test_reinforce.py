"""REINFORCE: one update of a batch, as far as its rewards were better than expected."""

from __future__ import annotations

import numpy as np

import search_spaces
from nas_tune.strategies.controllers import TableController
from nas_tune.strategies.decision_steps import StepBatch
from nas_tune.strategies.reinforce import ReinforceSampler


def test_the_better_becomes_likelier_and_the_worse_less_likely() -> None:
    sampler = ReinforceSampler(search_spaces.get("nb201"), 0, entropy=0.0, rate=0.1)
    batch = StepBatch(np.array([[0], [0]]), np.array([[1], [2]]), np.zeros((2, 1)), np.ones((2, 1)))
    controller = TableController([3])
    sampler.teach(controller, batch, np.array([[0.5], [-0.2]]))
    good, bad = controller.log_probabilities(batch)[:, 0]
    assert good > np.log(1 / 3) > bad


def test_without_an_advantage_the_entropy_alone_pulls_back() -> None:
    batch = StepBatch(np.array([[0]]), np.array([[1]]), np.zeros((1, 1)), np.ones((1, 1)))
    nothing = np.array([[0.0]])
    for entropy, moves in ((0.0, False), (0.5, True)):
        controller = TableController([2])
        controller.weights[:] = [0.0, 2.0]
        sampler = ReinforceSampler(search_spaces.get("nb201"), 0, entropy=entropy, rate=0.1)
        sampler.teach(controller, batch, nothing)
        assert bool(controller.weights[1] < 2.0) is moves
