"""The faces for Optuna and Ray Tune: what they are told, and that what they say comes back as a member."""

from __future__ import annotations

import numpy as np
import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from search_spaces import ArchitectureError, Space, choice, integer, real, repeat, subset

SPACE = Space(
    {
        "op": choice({"conv": {"k": choice(3, 5)}, "none": {}}),
        "n": integer(16, 64, step=16),
        "odd": integer(1, 9, step=2),
        "m": integer(1, 8, log=True),
        "plain": integer(-2, 3),
        "x": real(0.0, 1.0),
        "g": real(0.0, 1.0, step=0.1),
        "off": real(0.05, 0.95, step=0.3),
        "l": real(1e-4, 1e-1, log=True),
        "r": repeat(choice("a", "b"), 1, 3),
        "s": subset(["a", "b", "c"], 2),
    }
)


def test_the_distributions_of_optuna() -> None:
    found = SPACE.to_optuna()
    assert list(found) == [parameter.name for parameter in SPACE.parameters]
    assert found["op"] == CategoricalDistribution(("conv", "none"))
    assert found["op.conv.k"] == CategoricalDistribution((3, 5))
    assert found["n"] == IntDistribution(16, 64, step=16)
    assert found["m"] == IntDistribution(1, 8, log=True)
    assert found["g"] == FloatDistribution(0.0, 1.0, step=0.1)
    assert found["l"] == FloatDistribution(1e-4, 1e-1, log=True)
    assert found["r"] == IntDistribution(1, 3)
    assert found["s.0"] == CategoricalDistribution((False, True))


def test_trials_of_the_flat_distributions_decode_too() -> None:
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    for _ in range(30):
        trial = study.ask(SPACE.to_optuna())
        made = SPACE.from_params(trial.params)
        active = SPACE.params(made)
        assert active == pytest.approx({name: trial.params[name] for name in active})


def test_an_outcome_that_the_rule_refuses_is_an_architecture_error() -> None:
    space = Space({"a": choice(1, 2)}, valid=lambda made: bool(made["a"] == 1))
    with pytest.raises(ArchitectureError, match="refuses"):
        space.suggest(optuna.trial.FixedTrial({"a": 2}))


@pytest.mark.slow
def test_the_domains_of_ray_tune_are_flat_and_decode() -> None:
    domains = SPACE.to_tune()
    assert list(domains) == [parameter.name for parameter in SPACE.parameters]
    seen: dict[str, set[object]] = {name: set() for name in domains}
    rng = np.random.default_rng(0)
    for _ in range(300):
        config = {name: domain.sample(random_state=rng) for name, domain in domains.items()}
        made = SPACE.from_params(config)
        for name, value in SPACE.params(made).items():
            assert value == pytest.approx(config[name])
            seen[name].add(value)
    assert seen["n"] == {16, 32, 48, 64}
    assert seen["odd"] == {1, 3, 5, 7, 9}
    assert seen["plain"] == {-2, -1, 0, 1, 2, 3}
    assert {1, 8} <= seen["m"]
    assert len(seen["g"]) == 11
    assert len(seen["off"]) == 4
    assert seen["r"] == {1, 2, 3}
    assert seen["s.0"] == {False, True}
