"""Every strategy proposes what it proposed in earlier versions, whatever became of the trials before."""

from __future__ import annotations

import pytest

from nas_tune.coordination.proposer import Proposer
from nas_tune.strategies import STRATEGIES, make
from tests.golden import agrees
from tests.nas_tune.strategies.test_conformance import NEEDS_BLOCKS, SPACES, run, small

LAPACK = {"gp", "cmaes"}
"""Their last digits depend on the processor."""
SETTINGS = {
    "auto": [{"startup": 3}],
    "bananas": [{"candidates": 12, "startup": 4}],
    "bohb": [{"min_points": 4, "top": 0.5, "candidates": 6, "widening": 1.0, "random_fraction": 0.0}],
    "dehb": [{"population": 4, "factor": 0.9, "crossover": 0.9, "held": 0.5}],
    "evolution": [{"population": 4, "sample": 3}],
    "genetic": [{"population": 4, "tournament": 2, "crossover": 0.3, "mutation": 0.6, "elites": 1}],
    "grid": [{"order": "lexicographic"}],
    "local_search": [{"improvement": "best", "initial": 3}],
    "nsga2": [{"population": 4, "crossover": 0.4, "mutation": 0.5}],
    "nsga3": [{"population": 4, "crossover": 0.4, "mutation": 0.5}],
    "ppo": [{"controller": "table", "batch": 3, "epochs": 2, "clip": 0.1, "entropy": 0.1, "decay": 0.5}],
    "predictor": [{"startup": 4, "candidates": 10}],
    "progressive": [{"beam": 3}],
    "reinforce": [{"controller": "lstm", "units": 8}, {"controller": "table", "entropy": 0.1, "decay": 0.5}],
    "tpe": [{"startup": 4}],
}
PLACES = {
    **dict.fromkeys(STRATEGIES, ("nb201", "nested")),
    **dict.fromkeys(NEEDS_BLOCKS, ("chain", "nested")),
    **dict.fromkeys(("auto", "bananas", "predictor"), ("nested",)),
    # Elsewhere the last digits of the densities of TPE, which depend on the processor, decide now and then.
    "tpe": ("nb201",),
}


@pytest.mark.parametrize("name", sorted(STRATEGIES.keys() - LAPACK))
def test_a_strategy_proposes_what_it_proposed(name):
    found = {}
    for place in PLACES[name]:
        space = SPACES[place]()
        for number, more in enumerate([{}, *SETTINGS.get(name, [])]):
            endless = any(parameter.count is None for parameter in space.parameters)
            if name == "grid" and endless:
                more = {**more, "points": 3}
            settings = {**small(name, space), **more}
            seed = 11 + number

            def made(seed, settings=settings, space=space):
                return make(name, space, seed, settings)

            asked = Proposer(space, made, seed=seed, mode="min" if number else "max", metric="accuracy")
            proposals, _ = run(asked, range(22), sign=-1.0 if number else 1.0)
            found[f"{place} {more}"] = " ".join(one.id[:8] for one in proposals)
    agrees(f"proposals-{name}", found)
