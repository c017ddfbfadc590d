"""`compare` groups by seed, compares equal budgets, and says what it cannot say."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import nas_tune
from nas_tune.analysis.picture import draw_courses
from nas_tune.errors import ConfigError
from nas_tune.results.picture import draw_front
from tests.nas_tune.analysis.made_runs import run_of
from tests.nas_tune.results.made import begun, make, trial


def _seeds(folder: Path, strategy: str, base: float, count: int) -> list[nas_tune.Run]:
    return [
        run_of(folder / f"{strategy}{seed}", [base, base + seed / 100], strategy=strategy, seed=seed)
        for seed in range(count)
    ]


@pytest.mark.slow
def test_runs_that_differ_in_their_seed_are_a_group_and_seeds_are_compared(tmp_path: Path) -> None:
    found = nas_tune.compare([*_seeds(tmp_path, "random", 0.2, 5), *_seeds(tmp_path, "tpe", 0.6, 5)])
    assert list(found.groups["group"]) == ["tpe + asha", "random + asha"], "the better first"
    assert list(found.groups["runs"]) == [5, 5]
    (row,) = found.tests.to_dict("records")
    assert (row["about"], row["n_one"], row["wins"]) == ("seeds", 5, 1.0)
    assert row["p"] == pytest.approx(2 / 252)
    assert row["differs"]
    assert row["difference"] == pytest.approx(0.4)
    json.dumps(found.to_dict(), allow_nan=False)


def test_budgets_are_made_equal(tmp_path: Path) -> None:
    short = run_of(tmp_path / "short", [0.5, 0.6])
    long = run_of(tmp_path / "long", [0.1, 0.2, 0.9], seed=1, max_trials=3)
    found = nas_tune.compare([short, long]).runs.set_index("run")
    assert found["best"].to_dict() == {"short": 0.6, "long": 0.9}
    assert found["best_equal"].to_dict() == {"short": 0.6, "long": 0.2}


@pytest.mark.slow
def test_folders_are_as_good_as_runs(tmp_path: Path) -> None:
    one, other = run_of(tmp_path / "one", [0.5, 0.6]), run_of(tmp_path / "other", [0.1, 0.2], strategy="tpe")
    assert list(nas_tune.compare([str(one.path), other.path]).runs["run"]) == ["one", "other"]
    assert nas_tune.explain(str(one.path)).winner == 1
    assert nas_tune.report(one.path).is_file()


def test_one_run_each_compares_trials(tmp_path: Path) -> None:
    one = run_of(tmp_path / "one", [0.5, 0.6, 0.7], strategy="random")
    other = run_of(tmp_path / "other", [0.1, 0.2], strategy="tpe")
    (row,) = nas_tune.compare([one, other]).tests.to_dict("records")
    assert (row["about"], row["n_one"], row["n_other"]) == ("trials", 3, 2)


@pytest.mark.slow
def test_trials_that_depend_on_each_other_have_no_p_value(tmp_path: Path) -> None:
    """Single runs of searches that learn, or that stopped early: the difference is told, a p-value is not."""
    far = {"random": [0.1, 0.2, 0.15], "evolution": [0.8, 0.9, 0.85]}
    learned = [run_of(tmp_path / name, values, strategy=name) for name, values in far.items()]
    (row,) = nas_tune.compare(learned).tests.to_dict("records")
    assert (row["differs"], row["wins"], row["p"] == row["p"]) == (False, 1.0, False)
    assert row["why_no_p"] == "the trials of evolution depend on each other; for a p-value run five seeds of each"
    (tmp_path / "stopped").mkdir()
    stopped = [begun(), *trial(0, [0.5]), *trial(1, [0.6], "pruned")]
    make(
        tmp_path / "stopped", *stopped, meta={"config": {**learned[0].meta["config"], "seed": 4, "max_trials": 9}}
    ).close()
    (row,) = nas_tune.compare([learned[0], tmp_path / "stopped"]).tests.to_dict("records")
    assert "let the best trials of each run go on" in row["why_no_p"]
    found = nas_tune.compare([learned[0], run_of(tmp_path / "more", [0.8, 0.9, 0.85], strategy="grid"), learned[1]])
    known = {(row["one"], row["other"]): row["p"] for row in found.tests.to_dict("records") if not row["why_no_p"]}
    assert list(known.values()) == [pytest.approx(0.1)], "Holm's correction counts tests that were made"
    json.dumps(found.to_dict(), allow_nan=False)


def test_five_seeds_of_searches_that_learn_have_one(tmp_path: Path) -> None:
    found = nas_tune.compare([*_seeds(tmp_path, "evolution", 0.2, 5), *_seeds(tmp_path, "tpe", 0.6, 5)])
    assert found.tests[["differs", "why_no_p"]].values.tolist() == [[True, ""]]


def test_a_group_without_a_complete_trial_is_not_tested(tmp_path: Path) -> None:
    runs = [run_of(tmp_path / name, values, strategy=name) for name, values in {"random": [0.5], "tpe": []}.items()]
    found = nas_tune.compare(runs)
    assert found.tests.empty
    assert len(found.groups) == 2
    json.dumps(found.to_dict(), allow_nan=False)
    more = run_of(tmp_path / "gp", [0.5, 0.6], strategy="gp")
    assert len(nas_tune.compare([*runs, more]).tests) == 1


def test_less_is_better_puts_the_lowest_first(tmp_path: Path) -> None:
    runs = [
        run_of(tmp_path / name, [value], {"mode": "min"}, strategy=name)
        for name, value in {"random": 0.9, "tpe": 0.1}.items()
    ]
    found = nas_tune.compare(runs)
    assert found.groups["mean"].tolist() == [0.1, 0.9]
    assert found.tests["wins"].tolist() == [1.0]
    assert found.tests["difference"].tolist() == pytest.approx([-0.8])


def test_what_does_not_compare_is_refused_or_told(tmp_path: Path) -> None:
    one = run_of(tmp_path / "one", [0.5])
    with pytest.raises(ConfigError, match="at least two"):
        nas_tune.compare([one])
    with pytest.raises(ConfigError, match="given twice"):
        nas_tune.compare([one, one])
    with pytest.raises(ConfigError, match=r"loss \(min\)"):
        nas_tune.compare([one, run_of(tmp_path / "other", [0.5], {"metric": "loss", "mode": "min"})])
    other_space = run_of(tmp_path / "space", [], {"space_fingerprint": "0"}, max_epochs=3)
    said = " ".join(nas_tune.compare([one, other_space]).warnings)
    assert "different spaces" in said
    assert "different numbers of epochs" in said
    assert "without a complete trial: space" in said


def test_every_number_of_a_comparison(tmp_path: Path) -> None:
    folder = tmp_path / "stopped"
    whole = run_of(tmp_path / "whole", [0.5, 0.25, 0.75], strategy="random", seed=3)
    folder.mkdir()
    config = {**whole.meta["config"], "seed": 4}
    events = [begun(), *trial(0, [0.5, 0.6]), *trial(1, [0.4], "pruned"), *trial(2, [0.1, 0.9], None)]
    make(folder, *events, meta={"config": config}).close()
    found = nas_tune.compare([whole, folder])
    assert (found.metric, found.mode, found.unit, found.trials) == ("accuracy", "max", "", 3)
    one, other = found.runs.drop(columns="seconds").to_dict("records")
    same = {"group": "random + asha", "strategy": "random", "scheduler": "asha", "trials": 3}
    assert one == {
        "run": "whole",
        "seed": 3,
        "complete": 3,
        "best": 0.75,
        "best_equal": 0.75,
        "median": 0.5,
        "epochs": 3,
        **same,
    }
    assert other == {
        "run": "stopped",
        "seed": 4,
        "complete": 1,
        "best": 0.6,
        "best_equal": 0.6,
        "median": 0.6,
        "epochs": 5,
        **same,
    }
    ended = whole.trials()
    assert found.runs["seconds"][0] == (ended["ended"].max() - ended["started"].min()).total_seconds()
    (group,) = found.groups.to_dict("records")
    assert (group.pop("mean"), group.pop("std")) == pytest.approx((0.675, 0.15 / 2**0.5))
    assert group == {"group": "random + asha", "runs": 2, "seeds": "3, 4", "least": 0.6, "most": 0.75}
    assert (found.courses["whole"].trials.tolist(), found.courses["whole"].best.tolist()) == (
        [1, 2, 3],
        [0.5, 0.5, 0.75],
    )
    assert found.courses["stopped"].trials.tolist() == [1]
    assert [found.courses["whole"].best_after(count) for count in range(5)] == [None, 0.5, 0.5, 0.75, 0.75]
    assert found.warnings == ("not over yet: stopped",)


def test_groups_of_one_name_are_numbered_and_runs_of_one_name_have_their_path(tmp_path: Path) -> None:
    runs = [run_of(tmp_path / part / "run", [0.5], max_epochs=epochs) for part, epochs in (("a", 3), ("b", 9))]
    found = nas_tune.compare(runs)
    assert set(found.groups["group"]) == {"auto + asha", "auto + asha (2)"}
    assert list(found.runs["run"]) == [str(run.path) for run in runs]
    assert len(found.tests) == 1


def test_a_group_of_one_run_has_no_deviation_and_one_without_complete_trials_no_mean(tmp_path: Path) -> None:
    tpe, empty = run_of(tmp_path / "tpe", [0.5], strategy="tpe"), tmp_path / "random"
    empty.mkdir()
    config = {**tpe.meta["config"], "strategy": "random"}
    make(empty, begun(), *trial(0, [0.4], "failed", failure="error"), meta={"config": config}).close()
    found = nas_tune.compare([empty, tpe])
    assert list(found.groups["group"]) == ["tpe + asha", "random + asha"], "without a mean it is the last"
    assert found.groups["std"].isna().all()
    for column in ("mean", "least", "most"):
        assert found.groups[column].isna().tolist() == [False, True]
    assert (found.trials, found.tests.empty) == (1, True)
    assert nas_tune.compare([run_of(tmp_path / "none", []), tpe]).runs["seconds"].isna().tolist() == [True, False]


@pytest.mark.slow
def test_the_picture_is_whole_or_refused(tmp_path: Path) -> None:
    found = nas_tune.compare([run_of(tmp_path / "one", [0.5, 0.6]), run_of(tmp_path / "two", [], seed=1)])
    draw_courses(found, tmp_path / "courses.svg")
    assert (tmp_path / "courses.svg").read_text().rstrip().endswith("</svg>")
    with pytest.raises(ConfigError, match=r"\.png"):
        draw_courses(found, tmp_path / "courses.gif")


@pytest.mark.parametrize(
    "values",
    [
        [1e308, -1e308],
        [],
        *(pytest.param(one, marks=pytest.mark.slow) for one in ([0.1, 0.2, 1e308], [1.7976931348623157e308], [1e-320])),
    ],
)
def test_no_finite_value_is_too_large_or_small_to_compare_and_draw(tmp_path: Path, values: list[float]) -> None:
    meta = {"objectives": [["accuracy", "max"], ["loss", "min"]]}
    sides = [(one, seed) for one in ("random", "tpe") for seed in (0, 1)]
    runs = [run_of(tmp_path / f"{one}{seed}", values, meta, strategy=one, seed=seed) for one, seed in sides]
    for given in (runs, runs[::2]):
        found = nas_tune.compare(given)
        json.dumps(found.to_dict(), allow_nan=False)
        if values:
            assert set(found.runs["best"]) == {max(values)}
    draw_courses(nas_tune.compare(runs), tmp_path / "courses.svg")
    draw_front(runs[0], tmp_path / "front.svg")


@pytest.mark.slow
def test_runs_of_different_limits_and_without_a_trial_within_them_are_told(tmp_path: Path) -> None:
    free = run_of(tmp_path / "free", [0.5, 0.6])
    bound = run_of(tmp_path / "bound", [0.3, 0.4], limits={"loss": "<= -0.5"})
    found = nas_tune.compare([free, bound])
    warned = " ".join(found.warnings)
    assert "these runs have different limits" in warned
    assert "no trial keeps the limits of bound: the values are of trials that break them" in warned
    kept = run_of(tmp_path / "kept", [0.7, 0.4], limits={"loss": ">= -0.5"})
    best = nas_tune.compare([free, kept]).runs.set_index("run")["best"]
    assert best["kept"] == 0.4, "0.7 breaks the limit"
