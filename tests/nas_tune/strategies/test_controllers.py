"""Controllers: even before they are taught, and taught by the gradient that they claim."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from nas_tune.strategies.controllers import Controller, TableController
from nas_tune.strategies.decision_steps import StepBatch
from nas_tune.strategies.lstm_controller import LSTMController

ANSWERS = [3, 5, 2, 4]
MAKERS: list[Callable[[], Controller]] = [lambda: TableController(ANSWERS), lambda: LSTMController(ANSWERS, 5)]
ADVANTAGES = np.array([[0.7], [-0.4]])


def batch() -> StepBatch:
    """Two architectures of four and of two decisions."""
    return StepBatch(
        np.array([[0, 1, 2, 3], [2, 3, 0, 0]]),
        np.array([[2, 4, 1, 0], [1, 3, 0, 0]]),
        np.array([[0.0, 0.0, 0.5, 0.0], [-0.7, 0.0, 0.0, 0.0]]),
        np.array([[1.0, 1.0, 1.0, 1.0], [1.0, 1.0, 0.0, 0.0]]),
    )


def strengthen(told: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.broadcast_to(ADVANTAGES, told.shape)


@pytest.mark.parametrize("make", MAKERS)
def test_untaught_every_answer_is_as_likely(make: Callable[[], Controller]) -> None:
    told = make().log_probabilities(batch())
    assert np.exp(told[0, [0, 1, 3]]) == pytest.approx([1 / 3, 1 / 5, 1 / 4])
    # A offset moves the log-odds of the last action, here of two.
    assert np.exp(told[:, [2, 0]].diagonal()) == pytest.approx(1 / (1 + np.exp([-0.5, 0.7])))
    assert (told[1, 2:] == 0.0).all()


@pytest.mark.parametrize("make", MAKERS)
def test_it_is_taught_by_the_slope_of_what_it_is_to_maximize(
    make: Callable[[], Controller], monkeypatch: pytest.MonkeyPatch
) -> None:
    controller, given, entropy = make(), batch(), 0.3
    controller.weights[:] = np.random.default_rng(1).normal(0.0, 0.5, controller.weights.shape)
    slopes: list[NDArray[np.float64]] = []
    monkeypatch.setattr(controller, "_adam_step", lambda gradient, rate: slopes.append(gradient))
    controller.teach(given, strengthen, entropy, 1.0)

    def worth() -> float:
        told = controller._all_log_probabilities(given)[1]
        undecided = -(np.exp(told) * told).sum(axis=2) * given.active
        return float((ADVANTAGES * controller.log_probabilities(given)).sum() + entropy * undecided.sum())

    for place in range(0, len(controller.weights), 3):
        kept, worths = controller.weights[place], []
        for shift in (1e-5, -1e-5):
            controller.weights[place] = kept + shift
            worths.append(worth())
        controller.weights[place] = kept
        assert slopes[0][place] == pytest.approx((worths[0] - worths[1]) / 2e-5, abs=1e-7)


@pytest.mark.parametrize("make", MAKERS)
def test_it_draws_by_what_it_is_taught(make: Callable[[], Controller]) -> None:
    """Step by step, as in drawing, the actions have the probabilities that teaching changes."""
    controller, given = make(), batch()
    controller.weights[:] = np.random.default_rng(1).normal(0.0, 0.5, controller.weights.shape)
    memory, told = controller.begin(2), []
    for step in range(4):
        decisions, actions = given.decisions[:, step], given.actions[:, step]
        memory, logs = controller.step(memory, decisions, given.offsets[:, step])
        told.append(logs[[0, 1], actions])
        memory = controller.after(memory, decisions, actions)
    assert np.stack(told, axis=1) * given.active == pytest.approx(controller.log_probabilities(given))


@pytest.mark.parametrize("make", MAKERS)
def test_what_is_strengthened_becomes_likelier(make: Callable[[], Controller]) -> None:
    controller = make()
    before = controller.log_probabilities(batch()).sum(axis=1)
    for _ in range(20):
        controller.teach(batch(), strengthen, 0.0, 0.05)
    after = controller.log_probabilities(batch()).sum(axis=1)
    assert after[0] > before[0] + 0.5
    assert after[1] < before[1] - 0.3


def test_an_lstm_learns_what_goes_with_what_and_a_table_cannot() -> None:
    """Either both first actions or both second ones; the marginals are even."""
    good = StepBatch(np.array([[0, 1], [0, 1]]), np.array([[0, 0], [1, 1]]), np.zeros((2, 2)), np.ones((2, 2)))
    chances = {}
    for controller in (TableController([2, 2]), LSTMController([2, 2], 8)):
        for _ in range(150):
            controller.teach(good, np.ones_like, 0.0, 0.02)
        chances[type(controller)] = np.exp(controller.log_probabilities(good).sum(axis=1)).sum()
    assert chances[TableController] == pytest.approx(0.5)
    assert chances[LSTMController] > 0.9


@pytest.mark.parametrize("make", MAKERS)
def test_a_copy_goes_its_own_way(make: Callable[[], Controller]) -> None:
    controller = make()
    controller.teach(batch(), strengthen, 0.0, 0.05)
    before, copy = controller.weights.copy(), controller.copy()
    copy.teach(batch(), strengthen, 0.0, 0.05)
    assert (controller.weights == before).all()
    controller.teach(batch(), strengthen, 0.0, 0.05)
    assert (controller.weights == copy.weights).all()
    assert (controller.weights != before).any()


def test_nothing_decided_is_nothing_learnt() -> None:
    controller = LSTMController([], 3)
    nothing = StepBatch(*(np.zeros((1, 0), kind) for kind in (np.int64, np.int64, np.float64, np.float64)))
    controller.teach(nothing, np.ones_like, 0.1, 0.1)
    assert controller.log_probabilities(nothing).shape == (1, 0)
