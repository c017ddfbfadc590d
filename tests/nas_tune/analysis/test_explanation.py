"""`explain` finds what is known to matter, and says when it cannot know."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import nas_tune
from nas_tune.analysis import Explanation, importance
from nas_tune.analysis.evidence import evidence
from nas_tune.analysis.significance import holm, least_p, mann_whitney
from nas_tune.errors import ConfigError
from nas_tune.ledger import Event, Refused
from search_spaces import Architecture, Space, choice
from tests.nas_tune.analysis.made_runs import known, run_of
from tests.nas_tune.results.made import begun, make, mixed, trial


def _by_kernel(one: Architecture) -> float:
    """A conditional decision decides, and its parent a little."""
    op = one.tree["op"]
    return (0.5 if op["conv"]["kernel"] == 5 else 0.1) if "conv" in op else 0.3


@pytest.fixture(scope="module")
def by_kernel(tmp_path_factory: pytest.TempPathFactory) -> nas_tune.Run:
    return known(tmp_path_factory.mktemp("by_kernel"), 60, _by_kernel)


@pytest.fixture(scope="module")
def explained(by_kernel: nas_tune.Run) -> Explanation:
    return nas_tune.explain(by_kernel)


def test_the_decision_that_decides_comes_first_also_a_conditional_one(explained: Explanation) -> None:
    table = explained.importance[0].table
    assert table["decision"].iloc[0] == "op.conv.kernel"
    assert bool(table["stands_out"].iloc[0])
    assert table["active"].iloc[0] < 1
    assert table["importance"].sum() == pytest.approx(1)
    assert (table["low"] <= table["importance"]).all()
    assert (table["importance"] <= table["high"]).all()
    assert not table.set_index("decision")["stands_out"][["width", "rate", "scale"]].any()


def test_what_the_best_share_is_told(by_kernel: nas_tune.Run, explained: Explanation) -> None:
    decided = [by_kernel.space.params(by_kernel.architecture(int(number))) for number in explained.top["trial"]]
    assert len(decided) > 1
    assert explained.shared["op.conv.kernel"] == 5
    assert explained.shared == {
        name: value for name, value in decided[0].items() if all(one.get(name) == value for one in decided)
    }


@pytest.mark.slow
@pytest.mark.parametrize("evaluator", ["mdi", "ped_anova"])
def test_other_evaluators_answer(by_kernel: nas_tune.Run, evaluator: str) -> None:
    found = importance(by_kernel, evidence(by_kernel, by_kernel.objectives[0]), evaluator)
    assert found.evaluator == evaluator
    assert set(found.table["decision"]) == {"op", "op.conv.kernel", "op.conv.bias", "width", "rate", "scale"}
    assert found.table["importance"].sum() == pytest.approx(1)


@pytest.mark.slow
def test_the_same_trials_give_the_same_answer(by_kernel: nas_tune.Run, explained: Explanation) -> None:
    assert nas_tune.explain(nas_tune.open_run(by_kernel.path)).to_dict() == explained.to_dict()


def _many() -> Space:
    """More than twelve decisions, the one that decides by its name last and by its place first."""
    return Space({"zz": choice(0, 1, 2), **{f"d{i:02d}": choice(0, 1, 2) for i in range(13)}})


@pytest.mark.parametrize(
    "evaluator", ["auto", *(pytest.param(one, marks=pytest.mark.slow) for one in ("mdi", "ped_anova", "fanova"))]
)
def test_of_many_decisions_the_right_one_is_named_for_every_objective(tmp_path: Path, evaluator: str) -> None:
    def train(architecture: Architecture, **_: object) -> Iterator[dict[str, float]]:
        one = architecture.tree
        yield {"accuracy": 0.3 * one["zz"] + 0.001 * one["d00"], "loss": 1.0 * one["d12"]}

    run = nas_tune.search(
        _many(),
        train,
        executor="inline",
        strategy="random",
        scheduler="none",
        max_trials=80,
        max_epochs=1,
        metric=["accuracy", "loss"],
        mode=["max", "min"],
        run_dir=tmp_path / "run",
    )
    first = [one.table.iloc[0] for one in nas_tune.explain(run, evaluator).importance]
    assert [row["decision"] for row in first] == ["zz", "d12"]
    assert [bool(row["stands_out"]) for row in first] == [True, True]
    assert all(row["importance"] > 2 / 14 for row in first)


def test_noise_is_called_noise(tmp_path: Path) -> None:
    found = nas_tune.explain(known(tmp_path, 30, lambda one: 0.5))
    assert not found.importance[0].table["stands_out"].any()
    assert "no decision matters more than chance" in found.importance[0].advice


def test_neighbours_that_were_tried_have_their_values_and_others_a_guess(
    by_kernel: nas_tune.Run, explained: Explanation
) -> None:
    found = explained
    around = found.neighbours
    assert around is not None
    assert around.winner == pytest.approx(by_kernel.best(1)["value"].iloc[0])
    space, winner = mixed(), by_kernel.architecture(found.winner or 0)
    assert set(around.table["architecture_id"]) == {one.id for one in space.neighbors(winner)}
    kernel = around.table[around.table["change"] == "op.conv.kernel: 5 -> 3"].iloc[0]
    assert not kernel["seen"]
    assert kernel["low"] < 0.35 < 0.5
    assert kernel["gain"] < -0.1
    assert "guesses of a Gaussian process" in around.model
    json.dumps(found.to_dict(), allow_nan=False)


def test_a_neighbour_with_a_trial_is_measured(tmp_path: Path) -> None:
    space = mixed()
    winner = space.sample(0)
    other = space.neighbors(winner)[0]
    events: list[Event] = [begun()]
    for number, (one, value) in enumerate([(winner, 0.9), (other, 0.7)]):
        made = trial(number, [value], tree=one.tree)
        events += [type(made[0])(number, number, one.tree, one.id, 1), *made[1:]]  # type: ignore[call-arg]
    make(tmp_path, *events).close()
    around = nas_tune.explain(nas_tune.open_run(tmp_path)).neighbours
    assert around is not None
    assert around.table[["seen", "trial", "value"]].values.tolist() == [[True, 1, 0.7]]
    assert around.table["gain"].iloc[0] == pytest.approx(-0.2)
    assert "too few" in around.model


def test_neighbours_that_break_a_limit_are_left_out(tmp_path: Path) -> None:
    space = mixed()
    winner = space.sample(0)
    over, refused, *others = space.neighbors(winner)
    events: list[Event] = [begun()]
    for number, (one, value) in enumerate([(winner, 0.5), (over, 0.9), *((other, 0.3) for other in others[:9])]):
        made = trial(number, [value], tree=one.tree)
        events += [type(made[0])(number, number, one.tree, one.id, 1), *made[1:]]  # type: ignore[call-arg]
    events.append(Refused(refused.id, refused.tree, "counted", "macs", 6e7, 5e7, None))
    make(tmp_path, *events, limits={"accuracy": "<= 0.6"}).close()
    around = nas_tune.explain(nas_tune.open_run(tmp_path)).neighbours
    assert around is not None
    assert not {over.id, refused.id} & set(around.table["architecture_id"])
    assert "2 neighbours over a limit left out" in around.model


@pytest.mark.slow
def test_less_is_better_turns_everything(tmp_path: Path) -> None:
    found = nas_tune.explain(known(tmp_path, 40, lambda one: -_by_kernel(one), {"mode": "min"}))
    assert found.importance[0].table["decision"].iloc[0] == "op.conv.kernel"
    around = found.neighbours
    assert around is not None
    assert around.table["value"].is_monotonic_increasing
    assert around.winner == pytest.approx(-0.5, abs=0.05)


@pytest.mark.parametrize("trials", [0, 3])
def test_too_few_trials_are_told(tmp_path: Path, trials: int) -> None:
    found = nas_tune.explain(run_of(tmp_path, [0.1 * n for n in range(trials)]))
    assert "too few" in found.importance[0].advice
    assert (found.winner is None) == (trials == 0)
    assert bool(found.notes) == (trials == 0)


def test_values_of_unequal_trainings_are_not_mixed(tmp_path: Path) -> None:
    events: list[Event] = [begun()]
    for number in range(10):
        events += trial(number, [0.1, 0.2, 0.9][: 3 if number < 3 else 1], "complete" if number < 3 else "pruned")
    make(tmp_path, *events).close()
    run = nas_tune.open_run(tmp_path)
    seen = evidence(run, run.objectives[0])
    assert (seen.epochs, len(seen.numbers), set(seen.scores)) == (1, 10, {0.1})


@pytest.mark.slow
def test_what_decides_everything_is_told_though_all_survivors_agree_on_it(tmp_path: Path) -> None:
    """What early stopping keeps is a selected sample: the decision that selects is constant in it."""

    def train(architecture: Architecture, seed: int, max_epochs: int) -> Iterator[dict[str, float]]:
        rng = random.Random(seed)
        for _ in range(max_epochs):
            yield {"accuracy": 0.1 * "abcd".index(architecture["big"]) + rng.uniform(0, 0.05)}

    space = Space({"big": choice(*"abcd"), **{f"n{i}": choice(0, 1, 2) for i in range(4)}})
    given: Any = {"executor": "inline", "strategy": "random", "scheduler": "asha", "max_epochs": 9, "max_trials": 200}
    run = nas_tune.search(space, train, run_dir=tmp_path / "run", **given)
    known = evidence(run, run.objectives[0])
    survivors = run.trials()["state"].eq("complete").sum()
    assert (known.epochs, len(known.numbers), known.survivors) == (1, 200, survivors)
    assert dict(known.constant) == {"big": "d"}
    found = nas_tune.explain(run)
    (table,) = [one.table for one in found.importance]
    assert table["decision"].iloc[0] == "big"
    assert table["importance"].iloc[0] > 0.8
    assert list(table[table["stands_out"]]["decision"]) == ["big"]
    assert f"{survivors} of 200 trials trained in full: a sample selected" in found.importance[0].selection
    assert 'only big = "d" survived' in found.importance[0].selection
    assert found.to_dict()["importance"][0]["selection"] == found.importance[0].selection


@pytest.mark.slow
def test_it_is_told_of_how_many_trials_the_tests_are(tmp_path: Path, by_kernel: nas_tune.Run) -> None:
    """All of a random sample; a model, which a search that learns needs, is of the first 150."""
    counts = {}
    for strategy in ("random", "tpe"):
        meta = {"config": {**by_kernel.meta["config"], "strategy": strategy, "scheduler": "none"}}
        (one,) = nas_tune.explain(known(tmp_path / strategy, 155, _by_kernel, meta)).importance
        assert one.facts()["tested"] == one.tested
        counts[strategy] = (one.sample, one.trials, one.tested)
    assert counts == {"random": (True, 155, 155), "tpe": (False, 155, 150)}
    assert nas_tune.explain(run_of(tmp_path / "two", [0.1, 0.2])).importance[0].tested == 0


def test_without_early_stopping_nothing_is_said_of_selection(explained: Explanation) -> None:
    assert explained.importance[0].selection == ""
    assert explained.neighbours is not None
    assert "selected" not in explained.neighbours.source


@pytest.mark.parametrize(
    "values",
    [
        [0.1, 0.2, 0.3, 1e308],
        [1e308, -1e308],
        [1e308],
        [1e-320, 2e-320, 0.0],
        [0.5],
        [1.7976931348623157e308, -1.7976931348623157e308],
    ],
)
@pytest.mark.parametrize("trials", [1, 12, pytest.param(2, marks=pytest.mark.slow)])
def test_no_finite_value_is_too_large_or_small(tmp_path: Path, values: list[float], trials: int) -> None:
    run = run_of(tmp_path / "one", [values[n % len(values)] for n in range(trials)])
    found = nas_tune.explain(run)
    json.dumps(found.to_dict(), allow_nan=False)
    assert found.winner == max(range(trials), key=lambda n: (values[n % len(values)], -n))
    if trials == 12 and len(set(values)) > 1:
        table = found.importance[0].table
        assert table["importance"].between(0, 1).all()
        assert table["importance"].sum() == pytest.approx(1)


@pytest.mark.slow
def test_one_value_far_out_does_not_hide_what_decides(tmp_path: Path) -> None:
    run = known(tmp_path, 60, lambda one: _by_kernel(one) if one.tree["width"] != 8 else -1e308)
    assert set(nas_tune.explain(run).importance[0].table["decision"].iloc[:2]) == {"op.conv.kernel", "width"}


def test_an_unknown_evaluator_is_refused(by_kernel: nas_tune.Run) -> None:
    with pytest.raises(ConfigError, match="did you mean"):
        nas_tune.explain(by_kernel, "fanov")
    with pytest.raises(ConfigError, match="at least 1"):
        nas_tune.explain(by_kernel, top=0)


def test_significance_is_what_the_papers_say() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.01, 0.04, 0.03], families=2) == pytest.approx([0.06, 0.12, 0.12])
    assert mann_whitney([4, 5, 6], [1, 2, 3]) == (pytest.approx(0.1), 1.0)
    assert mann_whitney([1.0], [1.0]) == (1.0, 0.5)
    assert least_p(3, 3) == pytest.approx(0.1)
