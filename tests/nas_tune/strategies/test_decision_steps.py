"""Decisions as decisions and actions: the way there and the way back."""

from __future__ import annotations

import gc
import random
import weakref
from collections import Counter

import numpy as np
import pytest

from nas_tune.strategies.decision_steps import DecisionCodes, Step, batch_of
from search_spaces import Space, choice, integer, real, repeat, subset


def every_kind() -> Space:
    """A condition, a list, a subset, numbers with bins and without, and something that has one value only."""
    tree = {
        "head": choice({"conv": {"kernel": choice(3, 5)}, "pool": {}}),
        "blocks": repeat({"width": integer(8, 512), "deep": integer(1, 3)}, 0, 2),
        "some": subset(["a", "b", "c"], (1, 2)),
        "rate": real(1e-4, 1.0, log=True),
        "only": choice("x"),
    }
    return Space(tree)


def test_the_answers_that_are_read_lead_back() -> None:
    """Exactly, but for numbers in bins, which come back in the same bin."""
    space = every_kind()
    decisions = DecisionCodes.of(space)
    for seed in range(60):
        params = space.params(space.sample(seed))
        steps = decisions.read(space, params)
        left = iter(steps)

        def action(decision: int, offset: float, left: object = left) -> int:
            step: Step = next(left)  # type: ignore[call-overload]
            assert (decision, offset) == (step.decision, step.offset)
            return step.action

        again = decisions.params(space, random.Random(seed), action)
        assert again.keys() == params.keys()
        assert decisions.read(space, again) == steps
        exact = [name for name in params if "width" not in name and name != "rate"]
        assert all(again[name] == params[name] for name in exact)
        assert next(left, None) is None


def test_only_what_is_open_is_asked() -> None:
    space = every_kind()
    asked = {space.parameters[index].name for index, count in enumerate(DecisionCodes.of(space).actions) if count == 1}
    assert asked == {"only"}
    pool = space.params(space.validate({**space.sample(0).tree, "head": {"pool": {}}, "blocks": []}))
    names = [space.parameters[step.decision].name for step in DecisionCodes.of(space).read(space, pool)]
    assert names[:2] == ["head", "blocks"]
    assert not [name for name in names if "kernel" in name or "width" in name or name == "only"]


def test_leans_make_even_answers_even_over_subsets() -> None:
    space = Space({"some": subset(["a", "b", "c", "d"], (1, 3))})
    rng = random.Random(0)

    def action(decision: int, offset: float) -> int:
        return int(rng.random() < 1 / (1 + np.exp(-offset)))

    drawn = Counter(
        space.from_params(DecisionCodes.of(space).params(space, rng, action)).to_json() for _ in range(2800)
    )
    assert len(drawn) == 14
    assert all(140 < count < 260 for count in drawn.values())


def test_a_batch_says_where_the_shorter_one_ends() -> None:
    batch = batch_of([[Step(3, 1, 0.5)], [Step(0, 2, 0.0), Step(1, 0, 0.0)]])
    assert batch.decisions.tolist() == [[3, 0], [0, 1]]
    assert batch.actions.tolist() == [[1, 0], [2, 0]]
    assert batch.offsets.tolist() == [[0.5, 0.0], [0.0, 0.0]]
    assert batch.active.tolist() == [[1.0, 0.0], [1.0, 1.0]]


@pytest.mark.slow
def test_the_questions_of_a_space_are_forgotten_with_it() -> None:
    space = every_kind()
    watched = weakref.ref(DecisionCodes.of(space))
    assert DecisionCodes.of(space) is watched()
    del space
    gc.collect()
    assert watched() is None
