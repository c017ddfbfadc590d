"""Runs whose trials train their architecture several times: what is found, shown, retrained and exported."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import nas_tune
from nas_tune.errors import ConfigError
from nas_tune.reports.data import facts
from nas_tune.session.evaluation import rebuilt_trainable
from tests.toys import Climber, tiny_space
from trainables.tasks.learner import Learner
from trainables.trial.repeated import seed_of
from trainables.trial.snapshots import newest


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rng = np.random.default_rng(0)
    size = rng.normal(size=80)
    path = tmp_path_factory.mktemp("table") / "rows.csv"
    pd.DataFrame({"size": size, "price": 3 * size + rng.normal(size=80)}).to_csv(path, index=False)
    return path


def searched(table: Path, folder: Path, **keys: Any) -> nas_tune.Run:
    space = {"name": "mlp", "min_width": 4, "max_width": 8, "max_layers": 1}
    given = {"max_trials": 2, "max_epochs": 2, "executor": "inline", "scheduler": "none", **keys}
    task = {"name": "table", "data": str(table), "target": "price"}
    return nas_tune.search(space, task=task, run_dir=str(folder), **given)


@pytest.fixture(scope="module")
def run(table: Path, tmp_path_factory: pytest.TempPathFactory) -> nas_tune.Run:
    return searched(table, tmp_path_factory.mktemp("repeated") / "run", trainable={"repeats": 3})


@pytest.mark.slow
def test_the_tables_have_mean_and_spread(run: nas_tune.Run) -> None:
    trials = run.trials()
    assert (trials["value"] == trials["rmse"]).all()
    assert (trials["rmse_spread"] > 0).all()
    assert "parameters_spread" not in trials
    assert run.best(1)["rmse"].iloc[0] == trials["rmse"].min()


@pytest.mark.slow
def test_the_first_training_of_a_trial_is_that_of_a_run_without_repeats(
    run: nas_tune.Run, table: Path, tmp_path: Path
) -> None:
    once = searched(table, tmp_path / "run")
    again = searched(table, tmp_path / "again", trainable={"repeats": 1})
    pd.testing.assert_series_equal(once.trials()["rmse"], again.trials()["rmse"])
    assert list(once.trials()) == list(again.trials())
    assert "rmse_spread" not in once.trials()
    made = rebuilt_trainable(run, 0)
    assert made.report_of(0)["rmse"] == once.trials()["rmse"].iloc[0]  # type: ignore[attr-defined]


def test_the_best_training_is_handed_out(run: nas_tune.Run) -> None:
    made = rebuilt_trainable(run, 0)
    values = [made.report_of(number)["rmse"] for number in range(3)]  # type: ignore[attr-defined]
    held = nas_tune.trained(run, 0)
    assert isinstance(held, Learner)
    assert held.evaluate("validation")["rmse"] == min(values)
    assert np.mean(values) == pytest.approx(run.trials()["rmse"].iloc[0])
    assert nas_tune.evaluate(run, 0) == held.evaluate("test")


def test_a_retraining_trains_once_for_each_of_its_seeds(run: nas_tune.Run) -> None:
    made = nas_tune.retrain(run, seeds=2, epochs=1, baselines=0)
    assert "repeats" not in made.recipe
    assert len(made.run.trials()) == 2
    assert "test_rmse_spread" not in made.run.trials()
    assert isinstance(made.trained(0, 1), Learner)
    with pytest.raises(ConfigError, match=r"settings.repeats: got 2; .* seeds=\.\."):
        nas_tune.retrain(run, settings={"repeats": 2})


def test_the_card_says_which_training_was_exported(
    run: nas_tune.Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trainables.export.exporting.compared", lambda *_: 0.0)
    number = int(run.best(1)["trial"].iloc[0])
    made: Any = rebuilt_trainable(run, number)
    best = made.best("rmse", "min")
    nas_tune.export(run, retrained=False, folder=tmp_path / "winner", formats=["safetensors"])
    card = (tmp_path / "winner" / "README.md").read_text()
    trial = run.trials().set_index("trial").loc[number]
    value = made.report_of(best)["rmse"]
    assert f"of the 3 trainings of the trial (3 seeds) the one with the best rmse ({value:.4f})" in card
    assert f"| validation | rmse | {value:.4f} | {trial['rmse']:.4f} +- {trial['rmse_spread']:.4f} (3 seeds) |" in card
    assert f"| seed of this training | {seed_of(int(trial['seed']), best)} |" in card
    assert "The trial trained the architecture 3 times (3 seeds)" in card
    assert "is not measured: it was trained once" not in card
    assert "rmse_spread |" not in card


@pytest.mark.slow
def test_best_explain_and_report_show_the_spread(run: nas_tune.Run, capsys: pytest.CaptureFixture[str]) -> None:
    spread = run.best(2)["rmse_spread"]
    assert nas_tune.explain(run).top["spread"].tolist() == spread.tolist()
    found = facts(run)
    assert found["trials"]["spreads"]["rmse"] == pytest.approx(run.trials()["rmse_spread"].tolist(), rel=1e-5)
    assert not any(name.endswith("_spread") for name in (*found["trials"]["others"], *found["curves"]["metrics"]))
    assert f"spread {spread.iloc[0]:.4f}" in nas_tune.report(run).read_text()


@pytest.mark.slow
def test_a_run_without_repeats_shows_no_spread(table: Path, tmp_path: Path) -> None:
    once = searched(table, tmp_path / "run", max_trials=1, max_epochs=1)
    assert nas_tune.explain(once).top["spread"].isna().all()
    assert facts(once)["trials"]["spreads"] == {}


def test_an_own_trainable_is_repeated_too(tmp_path: Path) -> None:
    keys: dict[str, Any] = {"max_trials": 3, "max_epochs": 2, "executor": "inline", "scheduler": "none"}
    given = {"trainable": Climber, "settings": {"repeats": 2}, "run_dir": str(tmp_path / "run"), **keys}
    run = nas_tune.search(tiny_space(), **given)
    assert (run.trials()["accuracy_spread"] > 0).all()
    assert isinstance(nas_tune.trained(run), Climber)
    folder = newest(run.path / "trials" / "000000")
    assert {path.name for path in folder.iterdir()} >= {"training-0", "training-1", "repeated.json"}
    more = nas_tune.resume(run.path, max_trials=4)
    assert not math.isnan(more.trials()["accuracy_spread"].iloc[3])


@pytest.mark.parametrize("key", ["repeats"])
def test_a_search_in_a_supernet_is_not_repeated(key: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=f"trainable.{key}: got 3; .* leave it out, and set max_trials"):
        nas_tune.search(
            "nb201",
            task={"name": "classification", "data": "digits"},
            trainable={key: 3},
            strategy="darts",
            max_trials=1,
            run_dir=str(tmp_path / "run"),
        )
