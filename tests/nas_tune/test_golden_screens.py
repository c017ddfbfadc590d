"""What commands offer, say and refuse, and what pages and dashboards show of a run, is what it was."""

from __future__ import annotations

import inspect
import itertools
import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

import nas_tune
from nas_tune.analysis import explain
from nas_tune.api import run_config
from nas_tune.cli.app import app
from nas_tune.config import SearchConfig
from nas_tune.config.starter import STARTERS, starter
from nas_tune.dashboards.storage import RunStorage
from nas_tune.ledger import Ended, Enqueued, Found, Known, Lost, Noted, Paused, Promoted, Retried, SessionEnded, replay
from nas_tune.reports.data import facts
from nas_tune.reports.failures import failures
from nas_tune.reports.summary import headline, tiles
from search_spaces.errors import NasTuneError
from tests.golden import agrees
from tests.nas_tune.results.made import begun, make, mixed, trial

BEGAN = 1_700_000_000.0


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "160")
    for name in ("FORCE_COLOR", "NO_COLOR", "NAS_TUNE_DEBUG", "NAS_TUNE_DATA", "NAS_TUNE_TABLES"):
        monkeypatch.delenv(name, raising=False)


def said(*arguments):
    """The exit code, what stands on stdout and on stderr, line by line."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    output = result.stdout + "---\n" + result.stderr
    if output.startswith("---\nUsage: "):
        output = "usage: " + "".join(re.findall(r"Invalid value for '.*?'", output))
    return [f"exit {result.exit_code}", *placeless(output).splitlines()]


def placeless(text):
    """Without the folder of the test, and without what registries hold, which grows."""
    return re.sub(r"known: .*", "known: ..", text.replace(str(Path.cwd()), "HERE"))


def test_commands_offer_what_they_offered():
    offered = {}
    for command in app.registered_commands:
        function, options = command.callback, {}
        for name, one in inspect.get_annotations(function, eval_str=True).items():
            for said in getattr(one, "__metadata__", ()):
                default = inspect.signature(function).parameters[name].default
                bounds = [said.min, said.max] if said.min is not None or said.max is not None else []
                options[name] = [*(said.param_decls or ()), said.help, str(default), *bounds]
        offered[function.__name__] = {"help": command.help, "options": options}
    agrees("commands", offered)


def test_configurations_are_what_they_were():
    fields = {
        name: [str(field.default), *(str(one) for one in field.metadata if "function" not in str(one))]
        for name, field in SearchConfig.model_fields.items()
    }
    agrees("configuration", fields)
    config = SearchConfig(space="nb201", max_trials=3)
    agrees("configuration-text", {"toml": config.to_toml().splitlines(), "dict": config.to_dict()})
    Path("pictures/a").mkdir(parents=True)
    agrees("starters", {name: starter(data=name).splitlines() for name in ("digits", "cifar10", "pictures")})
    agrees("starters-of-tasks", {task: starter(task, data="here").splitlines() for task in sorted(STARTERS)})


CONFIG = {
    "space": "tests.nas_tune.results.made:mixed",
    "trainable": "tests.nas_tune.results.made:train",
    "executor": "inline",
    "scheduler": "none",
    "max_trials": 3,
}
WRONG = [
    {"max_trials": 0},
    {"max_trials": -1},
    {"max_trials": 2.5},
    {"max_trials": None},
    {"max_seconds": 0},
    {"max_epochs": 0},
    {"workers": 0},
    {"workers": 2},
    {"max_retries": -1},
    {"keep_checkpoints": -1},
    {"seed": -1},
    {"seed": "x"},
    {"batch": 0},
    {"batch": 4},
    {"epoch_timeout": 0},
    {"backup_seconds": -1},
    {"name": "a/b"},
    {"name": ""},
    {"name": "x" * 200},
    {"run_dir": "s3://bucket/x"},
    {"storage": "gs://bucket/x"},
    {"run_dir": ""},
    {"metric": ""},
    {"metric": "a b"},
    {"metric": ["a", "a"]},
    {"metric": ["a", "A"]},
    {"metric": "epoch"},
    {"metric": "acuracy"},
    {"metric": ["accuracy", "parameters"], "mode": ["max"]},
    {"mode": "most"},
    {"mode": ["max", "min"]},
    {"space": "nb20"},
    {"space": "nowhere:space"},
    {"space": {"name": "nb201", "nodes": 3}},
    {"space": {"a": [1, 2]}},
    {"trainable": "image_clasifier"},
    {"trainable": "tests.nas_tune.results.made"},
    {"trainable": {"name": "tests.nas_tune.results.made:train", "fial": True}},
    {"trainable": {"name": "image_classifier", "lr": -1}},
    {"strategy": "evolutoin"},
    {"strategy": {"name": "evolution", "population": 1}},
    {"strategy": {"name": "evolution", "populatoin": 10}},
    {"strategy": {"name": "tpe", "startup": -1}},
    {"strategy": {}},
    {"scheduler": "ahsa"},
    {"scheduler": {"name": "asha", "reduction": 1}},
    {"scheduler": {"name": "median", "grace": 0}},
    {"scheduler": {"name": "hyperband", "reduction": "x"}},
    {"executor": "rai"},
    {"resources": {"cpus": 0}},
    {"resources": {"cpu": 1}},
    {"resources": {"devices": 0}},
    {"warm_start": ["nowhere"]},
    {"warm_start_trials": 0},
    {"initial": 0},
    {"initial": {"proxy": "synflo"}},
    {"deterministic": "yes"},
    {"max_trails": 3},
    {"address": "auto"},
    {"enqueue": [{"op": "x"}]},
]
"""Each a change of a configuration that runs."""


def test_wrong_configurations_are_refused_as_they_were(monkeypatch):
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    refused = {}
    for number, change in enumerate(WRONG):
        keys = {key: value for key, value in {**CONFIG, "name": f"run-{number}", **change}.items() if value is not None}
        try:
            found = nas_tune.SearchConfig(**keys)
            run_config(found)
        except NasTuneError as error:
            text = f"{type(error).__name__} {error.exit_code}: {error}"
            refused[json.dumps(change)] = placeless(text).splitlines()
        else:
            refused[json.dumps(change)] = ["it runs"]
    agrees("refusals", refused)


CALLS = [
    ["results", "nowhere"],
    ["results", "run", "--table", "epoch"],
    ["results", "run", "--out", "x.xls"],
    ["results", "run", "--format", "parquet"],
    ["best", "run", "-k", "0"],
    ["best", "run", "--draw", "x.gif"],
    ["best", "run", "--plot", "x.png"],
    ["best", "run", "--front"],
    ["explain", "run", "--evaluator", "fanva"],
    ["compare", "run"],
    ["compare", "run", "run"],
    ["compare", "run", "other"],
    ["resume", "nowhere"],
    ["resume", "run", "--set", "seed=3"],
    ["resume", "run", "--set", "max_trials"],
    ["resume", "run", "--set", "max_trials=x"],
    ["resume", "run", "--retry-failed", "omm"],
    ["resume", "run", "--enqueue", "nowhere.json"],
    ["retrain", "run", "--top", "0"],
    ["retrain", "run", "--trial", "99"],
    ["retrain", "run", "--metric", "lss"],
    ["export", "run"],
    ["export", "run", "--format", "tflite"],
    ["export", "run", "--trial", "3"],
    ["compress", "run", "--prune", "1"],
    ["compress", "run", "--prune", "0"],
    ["compress", "run", "--method", "magic", "--prune", "0.5"],
    ["compress", "run"],
    ["report", "nowhere"],
    ["dashboard", "nowhere"],
    ["watch", "nowhere"],
    ["watch", "run", "--interval", "0.01"],
    ["init", "--task", "translation"],
    ["init", "--data", "nowhere"],
    ["search", "nowhere.toml"],
    ["space", "nb20"],
    ["space", "pnas", "--set", "block=2"],
    ["space", "nb201", "--profile", "--samples", "0"],
    ["space", "nb201", "--profile", "--max-params", "x"],
    ["bench", "--table", "nowhere.parquet", "--space", "nb201"],
    ["bench", "--budget", "soon"],
]


def eventful():
    """Every kind of event, and trials in every state."""
    conv = {"op": {"conv": {"kernel": 5, "bias": True}}, "width": 16, "rate": 0.01, "scale": 0.5}
    return [
        begun(),
        Enqueued(mixed().sample(6).tree, "a" * 16),
        *trial(0, [0.5, 0.7, 0.9], tree=conv),
        *trial(1, [0.6], "pruned"),
        *trial(2, [0.4, float("nan")], "failed", failure="diverged", message="accuracy is nan after epoch 2"),
        *trial(3, [], "failed", failure="error", message="ValueError: no", traceback="Traceback: no"),
        *trial(4, [0.3], None),
        Lost(4, "its worker was killed", worker=True),
        *trial(5, [0.2, 0.25], None),
        Paused(5, 0.25),
        *trial(6, [0.45], None),
        Paused(6, 0.45),
        Promoted(6),
        Found(6, conv, "c" * 16),
        *trial(7, [0.1], "failed", failure="oom", message="no room"),
        *trial(8, [0.35, 0.55, 0.75]),
        Retried(7, 9),
        Known("older", 4, conv, "b" * 16, "complete", [[1, 0.3], [2, 0.4]]),
        Noted(-1, "a note"),
        Noted(8, "a note of trial 8"),
        Ended(6, "complete", 0.45),
        SessionEnded("interrupted"),
    ]


def run_of(name, events, **meta):
    """A run whose events are ten seconds apart."""
    folder = Path("runs") / name
    folder.mkdir(parents=True)
    ledger, ticks = make(folder, meta={"created": BEGAN, "versions": {}, **meta}), itertools.count()
    ledger.clock = lambda: BEGAN + 10 * next(ticks)
    for event in events:
        ledger.append(event)
    ledger.close()
    return nas_tune.open_run(folder)


def timeless(lines):
    """Without the moment of the look, and how long ago something was."""
    text = "\n".join(lines)
    text = re.sub(r"snapshot of [^;,\n]*", "snapshot of NOW", text)
    text = re.sub(r"\d+(\.\d+)? ?(s|min|h|days?|d) ago", "AGO", text)
    return text.splitlines()


def test_commands_refuse_as_they_refused():
    run_of("run", eventful())
    run_of("other", [begun(), *trial(0, [0.5])])
    agrees("calls", {" ".join(call): timeless(said(*call)) for call in CALLS})


def test_a_run_is_shown_as_it_was():
    run = run_of("run", eventful())
    told = {key: value for key, value in facts(run).items() if key != "time"}
    shown = {"facts": told}
    shown["headline"], shown["tiles"] = str(headline(run)), [str(tile) for tile in tiles(run, told)]
    for name, call in {
        "results": ["results", "run"],
        "csv": ["results", "run", "--format", "csv"],
        "json": ["results", "run", "--format", "json"],
        "epochs": ["results", "run", "--table", "epochs"],
        "sql": [
            "results",
            "run",
            "--sql",
            "select state, count(*), max(accuracy) from trials group by 1 order by 1",
        ],
        "best": ["best", "run", "-k", "2"],
        "best-json": ["best", "run", "--format", "json"],
        "explain": ["explain", "run"],
    }.items():
        shown[name] = timeless(said(*call))
    shown["explanation"] = explain(run).to_dict()
    shown["notes"], shown["failures"] = (
        run.state.notes,
        [[one.kind, one.message, one.trials] for one in failures(run.trials())],
    )
    agrees("run", shown)


def test_dashboards_show_a_run_as_they_did():
    trials = RunStorage(run_of("run", eventful())).get_all_trials(0)
    fields = ("number", "state", "values", "params", "intermediate_values", "user_attrs", "system_attrs")
    shown = [{field: str(getattr(found, field)) for field in fields} for found in trials]
    for row, found in zip(shown, trials, strict=True):
        row["times"] = [moment and moment.timestamp() for moment in (found.datetime_start, found.datetime_complete)]
    agrees("dashboard", shown)


def test_events_come_to_the_state_that_they_came_to():
    state = replay((event, BEGAN + 10 * place) for place, event in enumerate(eventful()))
    agrees(
        "state",
        {
            "trials": {number: str(found) for number, found in state.trials.items()},
            "counts": state.counts,
            "asks": state.asks,
            "paused": list(state.paused),
            "unfinished": list(state.unfinished),
            "rest": {name: str(getattr(state, name)) for name in ("notes", "sessions", "known")},
        },
    )


def test_no_help_has_what_the_terminal_takes_as_markup():
    for command in app.registered_commands:
        for one in inspect.get_annotations(command.callback, eval_str=True).values():
            for said in getattr(one, "__metadata__", ()):
                assert not re.search(r"\[[a-z]", said.help or ""), said.help
