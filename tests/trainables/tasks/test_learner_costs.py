"""The costs of an architecture that a learner counts without training it."""

from __future__ import annotations

import pytest

from search_spaces import get
from trainables.costs.liveness import peak_memory
from trainables.tasks.learner import Learner


@pytest.mark.slow
def test_costs_are_those_of_the_network_that_a_training_has():
    learner = Learner(task="classification", data="digits", space="nb201", channels=4, cells=1)
    member = get("nb201").sample(1)
    found = learner.costs(member, learner.counts)
    assert list(found) == ["parameters", "macs", "size", "peak_memory"]
    learner.setup(member, seed=0, max_epochs=1)
    assert found["peak_memory"] == peak_memory(learner.network, learner.data.example())
    assert found["parameters"] == sum(one.numel() for one in learner.network.parameters())
    assert learner.costs(member, ["peak_memory"]) == {"peak_memory": found["peak_memory"]}
