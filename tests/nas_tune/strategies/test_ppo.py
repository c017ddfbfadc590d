"""PPO: several updates of a batch, none of which carries a decision beyond the clipped ratio."""

from __future__ import annotations

import numpy as np
import pytest

import search_spaces
from nas_tune.errors import ConfigError
from nas_tune.strategies.controllers import TableController
from nas_tune.strategies.decision_steps import StepBatch
from nas_tune.strategies.ppo import PPOSampler
from nas_tune.strategies.reinforce import ReinforceSampler

NB201 = search_spaces.get("nb201")
BATCH = StepBatch(np.array([[0]]), np.array([[1]]), np.zeros((1, 1)), np.ones((1, 1)))


def ratio(advantage: float, **settings: float) -> float:
    """How much likelier the decision became."""
    controller = TableController([4])
    sampler = PPOSampler(NB201, 0, entropy=0.0, rate=0.01, **settings)  # type: ignore[arg-type]
    sampler.teach(controller, BATCH, np.array([[advantage]]))
    return float(np.exp(controller.log_probabilities(BATCH)[0, 0]) * 4)


@pytest.mark.parametrize("clip", [0.1, 0.3])
def test_it_stops_where_the_ratio_is_clipped(clip: float) -> None:
    """But for the momentum of the updates before."""
    assert ratio(1.0, epochs=10, clip=0.9) < ratio(1.0, epochs=200, clip=0.9)
    assert 1.0 + clip < ratio(1.0, epochs=200, clip=clip) < 1.0 + clip + 0.3
    assert 1.0 - clip - 0.2 < ratio(-1.0, epochs=200, clip=clip) < 1.0 - clip


def test_with_one_epoch_it_is_reinforce() -> None:
    one, other = TableController([4]), TableController([4])
    PPOSampler(NB201, 0, epochs=1).teach(one, BATCH, np.array([[0.4]]))
    ReinforceSampler(NB201, 0).teach(other, BATCH, np.array([[0.4]]))
    assert one.weights == pytest.approx(other.weights)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"epochs": 0}, "strategy.epochs is 0; a batch is learnt at least once"),
        ({"clip": 1.0}, "strategy.clip is 1.0; it lies between 0 and 1"),
    ],
)
def test_bad_settings_are_refused(settings: dict[str, float], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        PPOSampler(NB201, 0, **settings)  # type: ignore[arg-type]
