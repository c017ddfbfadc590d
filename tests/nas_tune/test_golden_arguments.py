"""What public calls are given is taken and refused with the words of earlier versions."""

from __future__ import annotations

import optuna
import pytest

import nas_tune
from nas_tune.config import Component
from nas_tune.errors import NasTuneError
from nas_tune.objectives.limits import conditions_of, limits_text, violation
from nas_tune.objectives.objective import Objective
from nas_tune.objectives.pareto import places
from nas_tune.session import initial_design
from nas_tune.session.arguments import (
    check_flags,
    check_trainable,
    configuration,
    listed,
    listed_observers,
    named_task,
)
from nas_tune.session.initial_design import Design, ZeroCost, ranked_design, summed_ranks
from search_spaces import Architecture, Space, choice
from tests.golden import agrees
from tests.toys import climb, conditional_space, ruled_space, tiny_space

TINY = tiny_space()


class Watching:
    def on_event(self, event, state):
        """Nothing."""

    def __repr__(self):
        return "watching"


class Own:
    """No task."""


def tried(make):
    try:
        return make()
    except NasTuneError as error:
        return f"{type(error).__name__}: {error}"


KEYS = ("space", "trainable", "warm_start", "metric", "mode", "max_trials", "seed")


def text_of(config):
    if isinstance(config, str):
        return config
    found = config.to_dict()
    return {key: found[key] for key in KEYS}


CALLS = {
    "plain": ("nb201", "image_classifier", None, None, {}),
    "a space": (TINY, climb, None, None, {"metric": "accuracy", "mode": "max"}),
    "a space without a name": (Space({"a": choice(1, 2)}), climb, None, None, {"metric": "accuracy", "mode": "max"}),
    "a table": ({"name": "darts", "cells": ["normal"]}, None, None, None, {}),
    "a dict": ({"w": [1, 2]}, climb, None, None, {}),
    "an empty dict": ({}, climb, None, None, {}),
    "a trainable of numbers": ("nb201", 3, None, None, {}),
    "settings": (TINY, climb, {"x": 1}, None, {"metric": "accuracy", "mode": "max"}),
    "settings of a name": ("nb201", "image_classifier", {"x": 1}, None, {}),
    "settings with a name": (TINY, climb, {"name": 1}, None, {}),
    "settings as a list": (TINY, climb, [1], None, {}),
    "no settings": ("nb201", "image_classifier", {}, None, {}),
    "warm start": ("nb201", None, None, ["a", "b"], {}),
    "warm start of a text": ("nb201", None, None, "a", {}),
    "warm start of a number": ("nb201", None, None, [3], {}),
    "warm start of three": ("nb201", None, None, 3, {}),
    "none of it": ("nb201", None, None, None, {"max_trials": None, "seed": 3}),
    "an unknown key": ("nb201", None, None, None, {"max_trial": 3}),
    "no metric": (TINY, climb, None, None, {}),
}


def test_configurations_of_calls_are_what_they_were():
    found = {}
    for name, (space, trainable, settings, warm, keys) in CALLS.items():
        found[name] = text_of(
            tried(lambda a=(space, trainable, settings, warm, {"max_trials": 4, **keys}): configuration(*a))
        )
    study = optuna.create_study()
    found["a study"] = tried(lambda: configuration("nb201", None, None, [study], {"max_trials": 4}))
    for task in (None, "classification", {"name": "regression", "x": 1}, {"x": 1}, {"name": Own}, Own, 3, Own()):
        found[f"task {str(task)[:30].partition(' object')[0]}"] = str(tried(lambda task=task: named_task(task)))[:200]
    for given in (None, [1], (1, 2), "ab", {"a": 1}, 3, Architecture({"op": "a"}), iter([1])):
        found[f"list of {str(given)[:20].partition(' object')[0]}"] = str(tried(lambda given=given: listed("x", given)))
        told = str(tried(lambda given=given: listed_observers(given)))
        found[f"observers {str(given)[:20].partition(' object')[0]}"] = told
    found["observers"] = str(listed_observers([Watching()]))
    for flag in (True, False, 1, None, "x"):
        found[f"flag {flag!r}"] = tried(lambda flag=flag: check_flags(a=True, b=flag))
        found[f"trainable {flag!r}"] = tried(lambda flag=flag: check_trainable(flag))
    agrees("calls-configured", found)


def worth(member):
    return [len(member.to_json()) % 5, {"a": 1.0, "b": 2.0, "c": 2.0}.get(member.tree.get("op"), 0.0)]


def test_initial_designs_are_what_they_were():
    found = {}
    for name, space in {"tiny": TINY, "conditional": conditional_space(), "ruled": ruled_space()}.items():
        for candidates, trials, seed in ((3, 2, 0), (100, 3, 1), (1, 1, 2)):
            seen = []
            made = ranked_design(
                space,
                worth,
                candidates=candidates,
                trials=trials,
                seed=seed,
                progress=lambda a, b, s=seen: s.append((a, b)),
            )
            found[f"{name} {candidates} {trials} {seed}"] = [
                [one.to_json() for one in made.architectures],
                str(made),
                seen[-1],
            ]

    def broken(member):
        if member.tree["op"] == "a":
            raise ValueError("no a")
        return [float("nan")] if member.tree["op"] == "b" else [float("-inf")]

    found["broken"] = str(ranked_design(TINY, broken, trials=9))
    found["all broken"] = tried(lambda: ranked_design(TINY, lambda member: [float("inf")]))
    found["ranks"] = [summed_ranks(rows) for rows in ([[1.0, 5], [2, 5], [2, 1]], [[1.0]], [[3.0], [1], [2], [1]])]
    for settings in ({}, {"trials": 0}, {"trials": 3, "candidates": 2}, {"trials": 3, "candidates": 3}, {"x": 1}):
        made = tried(lambda s=settings: initial_design.make(Component("zero_cost", s)))
        found[f"settings {settings}"] = made if isinstance(made, str) else str(made)
    found["unknown"] = tried(lambda: initial_design.make(Component("zero_costs", {})))
    found["proxies"] = ZeroCost(proxy=" jacov+synflow ").proxies
    found["scores nothing"] = tried(lambda: ZeroCost().check(object()))
    found["said"] = [str(Design((TINY.sample(0),), 5, failed, cause)) for failed, cause in ((0, ""), (2, "a cause"))]
    agrees("initial-designs", found)


LIMITS = [
    "macs <= 5M", "macs<=5M,parameters <= 2k", "macs <= 5M and latency <= 2ms", "accuracy >= 0.9", "accuracy >= 90%",
    "accuracy > 0.9", "macs = 5", "macs", "", "macs <= x", "latency <= 2", "latency <= 2s", "size <= 1MB",
    "size <= 1 KiB",
    "macs <= -1", "macs <= 0", "macs <= inf", "macs <= nan", "macs <= 1e6", "macs <= 5M, macs <= 6M", "5M >= macs",
    {"macs": "5M"}, {"macs": 5}, {"accuracy": ">= 0.9"}, {"macs": {"max": 5}}, {"macs": None}, {"macs": True}, [],
    3, None, ["macs <= 5M"],
    {"x y": 3}, "throughput >= 5 fps", "energy <= 5 mJ", "energy <= 1 J",
]  # fmt: skip


def test_limits_are_read_as_they_were():
    found = {}
    for one in LIMITS:
        made = tried(lambda one=one: conditions_of(one, "limits"))
        found[str(one)] = made if isinstance(made, str) else [str(made), limits_text(made)]
        if not isinstance(made, str):
            for value in (0.0, 0.9, 1.0, 2.0, 5.0, 5e6, 6e6, 1e7):
                costs = {limit.name: value for limit in made}
                found[f"{one} at {value}"] = [[limit.holds(value) for limit in made], violation(costs, made)]
    agrees("limits-read", found, tolerance=1e-9)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_fronts_are_what_they_were(count):
    rows = [tuple((7 * row * (column + 2) + column) % 11 / 2 for column in range(count)) for row in range(14)]
    given = {"all": rows, "twice": [*rows, *rows[:3]], "one": rows[:1], "none": []}
    found = {name: list(map(int, places(some))) for name, some in given.items()}
    for mode in ("max", "min"):
        one = Objective("accuracy", mode)
        found[mode] = [one.score(2.0), str(one)]
    agrees(f"fronts-{count}", found)


def test_a_call_of_nothing_is_refused_as_it_was(tmp_path):
    told = {
        "resume": tried(lambda: nas_tune.resume(tmp_path / "none")),
        "explain": tried(lambda: nas_tune.explain(tmp_path)),
        "compare": tried(lambda: nas_tune.compare([])),
        "compare one": tried(lambda: nas_tune.compare([tmp_path])),
    }
    agrees("calls-refused", {name: str(one).replace(str(tmp_path), "HERE") for name, one in told.items()})
