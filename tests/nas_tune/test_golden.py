"""Searches propose, stop and rank as in earlier versions, and the commands print the same of them."""

from __future__ import annotations

import json
import re

import pytest
from typer.testing import CliRunner

import nas_tune
from nas_tune.cli.app import app
from tests.golden import agrees, changeable, decisions, interface
from tests.toys import climb, conditional_space

STRATEGIES = ["auto", "bananas", "bohb", "dehb", "evolution", "genetic", "grid", "local_search", "nsga2", "nsga3"]
STRATEGIES += ["ppo", "predictor", "random", "reinforce", "tpe"]
"""Without those that call LAPACK (gp, cmaes), whose last digits depend on the processor."""
SCHEDULERS = ["asha", "asha_promote", "hyperband", "learning_curve", "median"]
SCREENS = {
    "results": ["results"],
    "best": ["best"],
    "explain": ["explain"],
    "space": ["space", "nb201"],
    "compare": ["compare", "{run}", "{other}"],
}


def searched(folder, **more):
    """A search whose every number follows from the architecture, the seed and the epoch."""
    settings = {"metric": "accuracy", "max_epochs": 9, "seed": 3, "executor": "inline", **more}
    return nas_tune.search(conditional_space(), climb, run_dir=str(folder), **settings)


def trials(run):
    """The table of trials, without what the clock decides."""
    kept = run.trials()[["trial", "state", "epochs", "value", "architecture_id", "seed"]]
    return [{"value": row.pop("value"), "trial": " ".join(map(str, row.values()))} for row in kept.to_dict("records")]


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_strategy_searches_as_it_did(strategy, tmp_path):
    more = {"max_epochs": 2} if strategy not in ("bohb", "dehb") else {"scheduler": "hyperband"}
    run = searched(tmp_path / "run", strategy=strategy, max_trials=24, **{"scheduler": "none", **more})
    agrees(f"search-{strategy}", trials(run), tolerance=1e-6)


@pytest.mark.parametrize("scheduler", SCHEDULERS)
def test_a_scheduler_stops_as_it_did(scheduler, tmp_path):
    run = searched(tmp_path / "run", strategy="random", scheduler=scheduler, max_trials=40)
    agrees(f"scheduler-{scheduler}", trials(run))


def test_screens_say_what_they_said(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")
    for name in ("FORCE_COLOR", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    searched("run", strategy="random", scheduler="none", max_trials=40)
    searched("other", strategy="evolution", scheduler="asha", max_trials=40)
    found = {}
    for name, arguments in SCREENS.items():
        whole = [argument.format(run="run", other="other") for argument in arguments]
        result = CliRunner().invoke(app, whole if len(whole) > 1 and name in ("compare", "space") else [*whole, "run"])
        text = result.stdout + "---\n" + result.stderr
        found[name] = [str(result.exit_code), *_timeless(text).splitlines()]
    agrees("screens", found)
    agrees("explanation", nas_tune.explain("run").to_dict(), tolerance=1e-4)
    comparison = json.dumps(nas_tune.compare(["run", "other"]).to_dict())
    agrees("comparison", json.loads(comparison, object_hook=_without_seconds), tolerance=1e-4)


def _without_seconds(found):
    return {key: value for key, value in found.items() if "second" not in key}


def _timeless(text):
    """Without dates, durations and rates."""
    text = re.sub(r"\d{4}-\d\d-\d\d[ T][\d:.]+(\+00:00| UTC|Z)?", "DATE", text)
    text = re.sub(r" {2,}\d\.\d  (?={)", "  SECONDS  ", text)
    text = re.sub(r"\b\d:\d\d:\d\d\b", "TIME", text)
    text = re.sub(r" +\d\.\d+$", " SECONDS", text, flags=re.MULTILINE)
    return re.sub(r"\b\d[\d.]*(e-\d+)? ?(ms|s|min|h)\b", "TIME", text)


def test_packages_offer_what_they_offered():
    agrees("interface-nas_tune", interface("nas_tune"), growing=True)


def test_constants_and_defaults_are_what_they_were():
    agrees("decisions-nas_tune", decisions("nas_tune"), growing=True)


def test_values_that_are_handed_out_cannot_be_changed():
    assert changeable("nas_tune") <= {"PathCounts", "PolicyState", "RunState", "TrialRecord"}
