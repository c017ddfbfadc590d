"""The groups of TPE, the trials that they learn from, and what is decided without a model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import optuna
import pytest
from optuna.trial import FrozenTrial, TrialState, create_trial

from nas_tune.strategies.history import ALL, History
from nas_tune.strategies.tpe import TPE, _GroupedTPE, _Groups, _parted
from search_spaces import Architecture, Space, choice
from tests.toys import conditional_space

SPACE = conditional_space()


def study_of(*trials: tuple[Mapping[str, Any], float, str], space: Space = SPACE) -> optuna.Study:
    """Trials as (architecture, value, state), after one epoch each."""
    study = optuna.create_study(direction="maximize")
    for tree, value, state in trials:
        params = space.params(space.validate(tree))
        known = space.to_optuna()
        study.add_trial(
            create_trial(
                state=TrialState[state],
                value=value,
                params=params,
                distributions={name: known[name] for name in params},
                intermediate_values={1: value},
            )
        )
    return study


def conv(kernel: int = 3, depth: int = 1) -> dict[str, Any]:
    return {"head": {"conv": {"kernel": kernel, "depth": depth}}, "width": 8}


def attention(heads: int = 1) -> dict[str, Any]:
    return {"head": {"attention": {"heads": heads}}, "width": 8}


def groups(study: optuna.Study) -> list[list[str]]:
    return _Groups.of(study, SPACE, History.of(study, SPACE, ALL).ended()).of_decisions()


def test_decisions_that_are_always_active_together_are_a_group() -> None:
    study = study_of((conv(), 0.1, "COMPLETE"))
    assert groups(study) == [["head", "head.conv.kernel", "head.conv.depth", "width"]]
    pool = {"head": {"pool": {}}, "width": 16}
    for trial in study_of((attention(), 0.2, "COMPLETE"), (pool, 0.3, "COMPLETE")).trials:
        study.add_trial(trial)
    assert groups(study) == [["head", "width"], ["head.conv.kernel", "head.conv.depth"], ["head.attention.heads"]]
    backwards = study_of((pool, 0.3, "COMPLETE"), (attention(), 0.2, "COMPLETE"))
    assert groups(backwards) == [["head", "width"], ["head.attention.heads"]], "what no trial has is in no group"


class Modelled(_GroupedTPE):
    """Keeps which trials the model of each group learns from."""

    def __init__(self, **settings: int) -> None:
        super().__init__(SPACE, 0, **settings)
        self.learned: dict[str, tuple[list[int], list[int]]] = {}

    def _of_group(self, study: Any, part: Any, good: list[FrozenTrial], others: list[FrozenTrial]) -> dict[str, Any]:
        self.learned[" ".join(part)] = [one.number for one in good], [one.number for one in others]
        return super()._of_group(study, part, good, others)


def learned(count: int, **settings: int) -> dict[str, tuple[list[int], list[int]]]:
    """Of trials of which the later ones are better and every other one has a convolution."""
    trees = [conv(depth=1 + place % 3) if place % 2 else attention() for place in range(count)]
    study = study_of(*((tree, place / 100, "COMPLETE") for place, tree in enumerate(trees)))
    model = Modelled(**{"startup": 4, "candidates": 8, "memory": 5, **settings})
    found = model.of_groups(study, History.of(study, SPACE, ALL).ended())
    named = [set(draws[0]) for draws in found]
    assert named == [set(names.split()) for names in model.learned]
    return model.learned


def test_a_group_learns_from_the_good_trials_and_the_youngest_others_that_have_it() -> None:
    """Of 20 trials two are good."""
    assert learned(3) == {}, "nothing is modelled during the startup"
    assert list(learned(4)) == ["head width", "head.conv.kernel head.conv.depth", "head.attention.heads"]
    assert learned(20) == {
        "head width": ([18, 19], [13, 14, 15, 16, 17]),
        "head.conv.kernel head.conv.depth": ([19], [9, 11, 13, 15, 17]),
        "head.attention.heads": ([18], [8, 10, 12, 14, 16]),
    }
    assert learned(20, memory=100)["head.conv.kernel head.conv.depth"][1] == [1, 3, 5, 7, 9, 11, 13, 15, 17]


def test_trials_of_uneven_length_are_split_by_their_standing() -> None:
    even = study_of(*((conv(), value, "COMPLETE") for value in (0.1, 0.9, 0.5, 0.7)))
    good, others = _parted(even, even.trials, 2)
    assert ([one.number for one in good], [one.number for one in others]) == ([1, 3], [0, 2])
    study = study_of((conv(), 0.1, "COMPLETE"), (conv(), 0.9, "PRUNED"), (conv(), 0.5, "COMPLETE"))
    good, others = _parted(study, study.trials, 1)
    assert ([one.number for one in good], [one.number for one in others]) == ([1], [0, 2]), "as long as a complete one"


def test_a_decision_with_a_single_option_is_never_drawn() -> None:
    space = Space({"only": choice("a"), "x": choice(1, 2)})
    study = study_of(*(({"only": "a", "x": 1 + place % 2}, place / 9, "COMPLETE") for place in range(12)), space=space)
    made = TPE(space, 0).propose(study, 12)
    assert made["only"] == "a"
    assert made["x"] in (1, 2)


def test_after_five_refusals_in_a_row_the_nearest_member_is_proposed() -> None:
    asked: list[Architecture] = []

    def rule(made: Architecture) -> bool:
        asked.append(made)
        return bool(made["x"] == 1)

    space = Space({"x": choice(*range(1, 90))}, valid=rule)
    study = optuna.create_study(direction="maximize")
    made = TPE(space, 3).propose(study, 0)
    assert made["x"] == 1
    assert [one["x"] != 1 for one in asked[:5]] == [True] * 5


@pytest.mark.parametrize("setting", ["startup", "candidates", "memory"])
def test_the_least_settings_are_allowed_and_used(setting: str) -> None:
    sampler = TPE(SPACE, 0, **{setting: 1})
    assert getattr(sampler, setting) == 1
    study = study_of(*((conv(kernel), kernel / 9, "COMPLETE") for kernel in (3, 5, 7)))
    assert SPACE.contains(sampler.propose(study, 3))
    same = TPE(SPACE, 0, **{setting: 1})
    same.reseed(5)
    other = TPE(SPACE, 5, **{setting: 1})
    assert same.propose(study, 3) == other.propose(study, 3)
