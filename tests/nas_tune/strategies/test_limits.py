"""What every strategy and scheduler promises under a limit that half, a tenth or a hundredth of the members keep."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

import nas_tune
from nas_tune.config.components import factory_settings
from nas_tune.coordination.coordinator import Coordinator
from nas_tune.errors import ConfigError
from nas_tune.ledger import Ledger
from nas_tune.objectives.objective import takes_several
from nas_tune.results import Run
from nas_tune.schedulers import SCHEDULERS
from nas_tune.session.search_setup import SearchSetup
from nas_tune.strategies import STRATEGIES
from nas_tune.strategies.feasible_first import broken_by
from search_spaces import Space, choice, repeat
from tests.sweeps import quick

SMALL: dict[str, Any] = {"population": 5, "sample": 2, "startup": 4, "min_points": 3, "candidates": 8}
SPACE = Space({"layers": repeat(choice(*range(8)), 2, 4), "head": choice(*range(8))})
"""Of random members about half have a weight of at most 14, a tenth of at most 6, and a hundredth of at most 3."""
BOUNDS = {"half": 14, "tenth": 6, "hundredth": 3}
SHARES = [pytest.param(name, marks=[] if name == "tenth" else [pytest.mark.slow]) for name in BOUNDS]
TRIALS, BEFORE, EPOCHS = 12, 4, 3
OFTEN = ["auto", "evolution", "nsga2", "predictor", "random", "tpe"]
"""Strategies of each kind: a limit is kept by the proposer, whichever proposes."""


def weight(architecture: Any) -> float:
    return float(sum(architecture["layers"]) + architecture["head"])


def train(architecture: Any, seed: int = 0) -> Iterator[dict[str, float]]:
    """Heavier is better, up to a weight of 20, so that the best members lie at the limit."""
    value = 1 - abs(weight(architecture) - 20) / 40 + 0.01 * architecture["head"]
    for epoch in range(1, EPOCHS + 1):
        yield {"accuracy": value * (1 - 0.5**epoch), "recall": 1 - weight(architecture) / 40}


train.costs = {"weight": weight, "head": lambda architecture: float(architecture["head"])}  # type: ignore[attr-defined]


def settings_of(name: str) -> dict[str, Any]:
    takes = factory_settings(STRATEGIES[name])
    return {key: value for key, value in SMALL.items() if key in takes}


def searched(folder: Path, bound: float, *, stop_after: int | None = None, **more: Any) -> Run:
    """A search of `TRIALS` trials, in one session or in two."""
    config = {"space": SPACE, "trainable": train, "executor": "inline", "max_epochs": EPOCHS, "seed": 3}
    config |= {"scheduler": "none", "limits": {"weight": f"<= {bound}"}, **more}
    run = nas_tune.search(**config, max_trials=stop_after or TRIALS, run_dir=folder)
    return run if stop_after is None else nas_tune.resume(folder, trainable=train, space=SPACE, max_trials=TRIALS)


def weights(run: Run) -> list[float]:
    return [weight(run.tree(trial)) for trial in run.trials()["trial"]]


def holds(run: Run, bound: float) -> None:
    """No trial is over the limit, each has its cost in the tables, and each architecture has one trial."""
    trials = run.trials()
    assert max(weights(run)) <= bound
    assert list(trials["weight"]) == weights(run)
    assert trials["architecture_id"].is_unique


@pytest.mark.parametrize(
    "share", [pytest.param("half", marks=pytest.mark.slow), "tenth", pytest.param("hundredth", marks=pytest.mark.slow)]
)
@pytest.mark.parametrize("name", quick(sorted(STRATEGIES), OFTEN))
def test_a_strategy_trains_nothing_over_a_limit_also_when_it_is_resumed(name: str, share: str, tmp_path: Path) -> None:
    strategy = {"name": name, **settings_of(name)}
    whole = searched(tmp_path / "whole", BOUNDS[share], strategy=strategy)
    holds(whole, BOUNDS[share])
    assert len(weights(whole)) == TRIALS or whole.state.finished == "exhausted"
    parts = searched(tmp_path / "parts", BOUNDS[share], strategy=strategy, stop_after=BEFORE)
    assert [parts.tree(t) for t in parts.trials()["trial"]] == [whole.tree(t) for t in whole.trials()["trial"]]


@pytest.mark.parametrize(
    "share", [pytest.param("half", marks=pytest.mark.slow), "tenth", pytest.param("hundredth", marks=pytest.mark.slow)]
)
@pytest.mark.parametrize("name", sorted(SCHEDULERS))
def test_a_scheduler_stops_and_promotes_within_a_limit(name: str, share: str, tmp_path: Path) -> None:
    run = searched(tmp_path / "run", BOUNDS[share], strategy="random", scheduler=name)
    holds(run, BOUNDS[share])
    assert run.best()["state"].iloc[0] == "complete"


@pytest.mark.parametrize("name", ["auto", "evolution", pytest.param("tpe", marks=pytest.mark.slow)])
def test_a_deterministic_search_finds_the_same_within_a_limit(name: str, tmp_path: Path) -> None:
    more = {"strategy": {"name": name, **settings_of(name)}, "deterministic": True, "batch": BEFORE}
    whole = searched(tmp_path / "whole", 6, **more)
    parts = searched(tmp_path / "parts", 6, **more, stop_after=BEFORE)
    holds(whole, 6)
    assert sorted(weights(parts)) == sorted(weights(whole))


SEVERAL = sorted(name for name in STRATEGIES if takes_several(STRATEGIES[name]))


@pytest.mark.parametrize(
    "name", [n if n in ("auto", "nsga2") else pytest.param(n, marks=pytest.mark.slow) for n in SEVERAL]
)
def test_several_objectives_of_which_one_is_a_cost_keep_a_limit(name: str, tmp_path: Path) -> None:
    strategy = {"name": name, **settings_of(name)}
    run = searched(tmp_path / "run", 6, strategy=strategy, metric=["accuracy", "weight"], mode=["max", "min"])
    holds(run, 6)
    assert not run.pareto().empty
    assert list(run.epochs()["weight"]) == [weight(run.tree(t)) for t in run.epochs()["trial"]]


@pytest.mark.parametrize(
    "name", ["random", *(n for n in ("auto", "tpe", "evolution", "nsga2", "local_search", "cmaes"))]
)
def test_a_limit_on_a_reported_metric_ranks_and_teaches(name: str, tmp_path: Path) -> None:
    """Heavy members are better and break the limit: only a strategy that learns of it turns to light ones."""
    run = searched(
        tmp_path / "run",
        0,
        strategy={"name": name, **settings_of(name)},
        limits={"recall": ">= 0.75"},
        max_epochs=EPOCHS,
    )
    best, trials = run.best(TRIALS), run.trials()
    kept = trials["recall"] >= 0.75
    assert kept.any()
    assert not kept.all()
    assert list(best["recall"] >= 0.75) == sorted(best["recall"] >= 0.75, reverse=True)
    feasible = trials[kept]
    assert best["trial"].iloc[0] == feasible["trial"].iloc[int(feasible["value"].argmax())]
    broken = best[best["recall"] < 0.75]["recall"]
    assert list(broken) == sorted(broken, reverse=True)


def test_what_was_refused_is_in_the_ledger_with_its_value_and_rung(tmp_path: Path) -> None:
    run = searched(tmp_path / "run", 6, strategy="random")
    ((rung, quantity),) = run.state.refused
    assert (rung, quantity) == ("counted", "weight")
    with run._reader.current() as state:
        listed = state.refused
    assert run.state.refused["counted", "weight"] >= len(listed) >= TRIALS
    for event in listed:
        assert (event.value, event.bound) == (weight(event.tree), 6.0)
        assert event.value > 6


def test_a_resume_under_another_limit_judges_anew_and_retrains_nothing(tmp_path: Path) -> None:
    first = searched(tmp_path / "run", 14, strategy="random")
    epochs = len(first.epochs())
    best = first.best(TRIALS)
    run = nas_tune.resume(tmp_path / "run", trainable=train, space=SPACE, limits={"weight": "<= 9"})
    assert len(run.epochs()) == epochs
    order = run.best(TRIALS)
    light = [trial for trial in best["trial"] if weight(run.tree(trial)) <= 9]
    assert 0 < len(light) < TRIALS
    assert list(order["trial"])[: len(light)] == light
    assert [one.text for one in run.limits] == ["weight <= 9"]


def test_a_limit_that_a_resume_adds_is_counted_for_earlier_trials(tmp_path: Path) -> None:
    searched(tmp_path / "run", 0, strategy="random", limits={})
    assert "weight" not in Run(tmp_path / "run").trials()
    run = nas_tune.resume(
        tmp_path / "run", trainable=train, space=SPACE, limits={"weight": "<= 9"}, max_trials=TRIALS + 2
    )
    assert list(run.trials()["weight"]) == weights(run)
    assert max(weights(run)[TRIALS:]) <= 9
    assert weight(run.tree(int(run.best()["trial"].iloc[0]))) <= 9


def test_an_enqueued_architecture_over_the_limit_is_refused_and_the_rest_goes_on(tmp_path: Path) -> None:
    heavy, light = {"layers": [7, 7], "head": 7}, {"layers": [1, 1], "head": 1}
    run = searched(tmp_path / "run", 6, strategy="random", enqueue=[heavy, light])
    assert run.tree(0) == light
    (note,) = [text for _, text in run.state.notes if "enqueue[0]" in text]
    assert "weight" in note
    assert "21" in note


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        (
            {"weight": "<= -1"},
            "no architecture of the space was found that keeps weight <= -1; the least that was found is 0",
        ),
        ({"weight": "6"}, "a limit on another metric is a comparison with a number"),
        ({"weight": "< 6"}, "the comparison is '<=' or '>=', not '<'"),
        ({"latency": "5ms"}, "neither reports nor counts it"),
        ({"parameters": ">= 5"}, "less of it is better"),
        ({"macs": "5 miles"}, "has the unit 'miles'"),
        ({"parmeters": "5k"}, "did you mean 'parameters'?"),
        ({"bad name!": "<= 5"}, "bad name!"),
        ("5ms", "a table of limits"),
    ],
)
def test_limits_that_cannot_be_are_refused_before_the_run_begins(limits: Any, said: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as error:
        searched(tmp_path / "run", 0, strategy="random", limits=limits)
    assert said in str(error.value)
    assert not (tmp_path / "run").exists()


def test_limits_that_exclude_one_another_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="each of weight <= 6, head >= 7 can be kept alone, but no architecture"):
        searched(tmp_path / "run", 0, strategy="random", limits={"weight": "<= 6", "head": ">= 7"})


def test_the_best_are_chosen_by_conditions_on_costs_and_metrics(tmp_path: Path) -> None:
    run = searched(tmp_path / "run", 14, strategy="random")
    light = run.best(TRIALS, where="weight <= 9 and accuracy >= 0")
    assert 0 < len(light) < TRIALS
    assert list(light["trial"]) == [trial for trial in run.best(TRIALS)["trial"] if weight(run.tree(trial)) <= 9]
    assert list(run.best(TRIALS, where={"weight": "<= 9"})["trial"]) == list(light["trial"])
    with pytest.raises(ConfigError, match="where: no trial has a value of 'wight'; did you mean 'weight'"):
        run.best(where="wight <= 3")
    with pytest.raises(ConfigError, match="'weight' is no comparison"):
        run.best(where="weight")


def test_a_limit_that_all_keep_is_noted(tmp_path: Path) -> None:
    run = searched(tmp_path / "run", 1000, strategy="random")
    assert (-1, "limit weight <= 1000: all of 50 random architectures keep it") in run.state.notes


def test_a_limit_that_a_resume_adds_teaches_the_strategy_which_earlier_trials_keep_it(tmp_path: Path) -> None:
    searched(tmp_path / "run", 0, strategy="random", limits={})
    for _ in range(2):  # in the second session the costs are in the ledger, behind the ends of the trials
        run = nas_tune.resume(tmp_path / "run", trainable=train, space=SPACE, limits={"weight": "<= 12"})
        config = run.config
        setup = SearchSetup.of(config, SPACE, train)
        with closing(Ledger.open(tmp_path / "run")) as ledger:
            coordinator = Coordinator(
                ledger,
                space=SPACE,
                proposer=setup.proposer(),
                scheduler=setup.scheduler(),
                objective=setup.objectives,
                budget=setup.budget,
                seed=3,
                limits=setup.limits,
                gate=setup.gate,
            )
            told = coordinator._proposer._study.get_trials(deepcopy=False)[:TRIALS]
            kept = [weight(record.asked) <= 12 for record in coordinator.state.trials.values()]
            assert [broken_by(one) == 0 for one in told] == kept
            assert True in kept
            assert False in kept
