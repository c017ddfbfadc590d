"""A run folder from a stranger: readers load nothing that it names, and what trains asks before it does."""

from __future__ import annotations

import json
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

import nas_tune
from nas_tune.cli.app import app
from nas_tune.errors import ConfigError, ForeignCodeError, NasTuneError
from nas_tune.ledger import BudgetChanged, Ledger, ledger_path
from nas_tune.results import Run
from nas_tune.session import signing
from search_spaces import Space, choice
from tests.faults.stranger import ASKED, EVIL, Stranger, edit
from tests.nas_tune.ledger.damage import seal
from tests.sweeps import quick
from tests.toys import Climber, tiny_space
from trainables.trial.checkpoint import write_tensors


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Stranger:
    return Stranger(tmp_path_factory.mktemp("stranger"))


@pytest.fixture(autouse=True)
def _in_the_folder(stranger: Stranger, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The evil module can be imported all along; each test begins without a mark."""
    monkeypatch.chdir(stranger.folder)
    monkeypatch.syspath_prepend(str(stranger.folder))
    sys.modules.pop(EVIL, None)
    for mark in stranger.marks.iterdir():
        mark.unlink()
    yield
    sys.modules.pop(EVIL, None)


def call(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


SPACES: dict[str, list[tuple[str, Any]]] = {
    "type": [("space.type", f"{EVIL}:Evil")],
    "valid": [("space.valid", f"{EVIL}:rule")],
    "canonical": [("space.canonical", f"{EVIL}:rule")],
    "state": [("space.canonical", {"type": f"{EVIL}:State", "state": {}})],
    "shell": [("space.valid", "subprocess:getoutput"), ("space.canonical", "subprocess:getoutput")],
    "own": [("space.valid", "nas_tune.api:resume"), ("space.type", "search_spaces.catalogue.nb201:NB201Space")],
}
NAMES: list[tuple[str, Any]] = [
    ("trainable.reference", f"{EVIL}:train"),
    ("trainable.registered", False),
    ("trainable.settings", {"space": f"{EVIL}:space", "of": f"{EVIL}:train", "start_from": f"{EVIL}:x"}),
    ("config.space", f"{EVIL}:space"),
    ("config.trainable", {"name": f"{EVIL}:train", "of": f"{EVIL}:train"}),
    ("registered", {"networks": {"tiny": f"{EVIL}:build"}, "spaces": {"tiny": f"{EVIL}:space"}}),
]
READ: dict[str, tuple[str, ...]] = {
    "results": ("results",),
    "epochs": ("results", "--table", "epochs", "--format", "csv"),
    "sql": ("results", "--sql", "select * from trials"),
    "best": ("best",),
    "draw": ("best", "--draw", "x.svg"),
    "front": ("best", "--front", "--plot", "x.png"),
    "report": ("report",),
    "explain": ("explain",),
    "compare": ("compare", "runs/good"),
    "watch": ("watch",),
}
CALLS: dict[str, Callable[[Run], object]] = {
    "trials": Run.trials,
    "epochs": Run.epochs,
    "best": Run.best,
    "pareto": Run.pareto,
    "query": lambda run: run.query("select 1"),
    "tree": lambda run: run.tree(0),
    "architecture": lambda run: run.architecture(0),
    "identity": lambda run: run.architecture(0).id,
    "space": lambda run: run.space.sample(0).id,
    "config": lambda run: run.config,
    "state": lambda run: run.state,
    "repr": repr,
    "explain": nas_tune.explain,
    "report": nas_tune.report,
}


@pytest.mark.parametrize("part", quick(SPACES, {"own", "valid"}))
def test_no_reader_imports_or_calls_what_a_run_names(part: str, stranger: Stranger) -> None:
    run = stranger.run(part, *SPACES[part], *NAMES)
    for name, command in READ.items():
        done = call(command[0], str(run), *command[1:])
        # The class of another space cannot draw the tree, and says so.
        expected = 2 if (part, name) == ("own", "draw") else 0
        assert (done.exit_code, stranger.marked()) == (expected, []), (name, done.stderr)
    for name, read in CALLS.items():
        read(nas_tune.open_run(run))
        assert stranger.marked() == [], name
    assert EVIL not in sys.modules


@pytest.mark.parametrize("key", ["strategy", "scheduler", "initial"])
def test_a_strategy_by_reference_is_refused_and_not_imported(key: str, stranger: Stranger) -> None:
    run = stranger.run(key, (f"config.{key}", f"{EVIL}:train"))
    for command in READ.values():
        assert call(command[0], str(run), *command[1:]).exit_code in (0, 2, 4)
        assert stranger.marked() == []


def test_boards_read_too(stranger: Stranger) -> None:
    from nas_tune.dashboards.storage import RunStorage
    from nas_tune.dashboards.tensorboard import Board

    run = Run(stranger.run("boards", *SPACES["type"], *NAMES))
    assert len(RunStorage(run).get_all_trials(0)) == 4
    with Board(run) as board:
        board.update()
    assert stranger.marked() == []


def test_what_a_stranger_found_is_known_by_trees_and_not_by_code(stranger: Stranger, tmp_path: Path) -> None:
    run = stranger.run("known", *SPACES["type"], *SPACES["valid"], *NAMES)
    made = nas_tune.search(
        tiny_space(),
        "tests.toys:Climber",
        warm_start=[run],
        max_trials=2,
        max_epochs=2,
        executor="inline",
        run_dir=tmp_path / "after",
    )
    assert made.state.trials == 2
    assert stranger.marked() == []


def test_a_reader_finds_no_module_of_the_current_folder(stranger: Stranger, monkeypatch: pytest.MonkeyPatch) -> None:
    """What lies where a command is started must not stand in for a package that is not installed."""
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if entry not in ("", str(stranger.folder))])
    for command in READ.values():
        call(command[0], "runs/good", *command[1:])
        assert str(stranger.folder) not in sys.path


def test_the_ids_of_the_ledger_hold_where_the_rules_are_left_out(stranger: Stranger) -> None:
    run = Run(stranger.run("ids", *SPACES["canonical"]))
    kept = list(run.trials()["architecture_id"])
    assert [run.architecture(number).id for number in range(4)] == kept
    assert run.left_out == (f"{EVIL}:rule",)
    assert Run(stranger.made.path).left_out == ()


def test_who_opens_a_run_may_give_its_space(stranger: Stranger) -> None:
    run = nas_tune.open_run(stranger.made.path, space=tiny_space())
    assert run.space is run.given_space
    with pytest.raises(ConfigError, match="another one than"):
        nas_tune.open_run(stranger.made.path, space=Space({"op": choice("a", "b")}))


# What trains or rebuilds

REBUILD: dict[str, tuple[str, ...]] = {
    "resume": ("resume", "--set", "max_trials=5"),
    "retrain": ("retrain", "--executor", "inline", "--epochs", "1", "--seeds", "1", "--baselines", "0"),
    "export": ("export", "--format", "safetensors"),
    "compress": ("compress", "--prune", "0.5"),
}
REBUILT: dict[str, Callable[[Run], object]] = {
    "evaluate": Run.evaluate,
    "function": nas_tune.evaluate,
    "trained": nas_tune.trained,
    "export": nas_tune.export,
    "compress": lambda run: nas_tune.compress(run, prune=0.5),
    "retrain": lambda run: nas_tune.retrain(run, executor="inline"),
    "resume": lambda run: nas_tune.resume(run.path, max_trials=5),
}
CODE: dict[str, list[tuple[str, Any]]] = {
    **SPACES,
    "reference": [("trainable.reference", f"{EVIL}:train"), ("trainable.registered", False)],
    "class": [("trainable.reference", f"{EVIL}:Task"), ("trainable.registered", False)],
    "name": [("config.trainable", f"{EVIL}:train"), ("trainable.registered", True)],
    "inner": [
        ("trainable.reference", "nas_tune.winners.retrain.trainable:Retraining"),
        ("config.trainable", {"name": "retraining", "of": f"{EVIL}:train", "settings": {}, "space": "{}"}),
    ],
    "inner space": [
        ("trainable.reference", "nas_tune.winners.retrain.trainable:Retraining"),
        (
            "config.trainable",
            {
                "name": "retraining",
                "of": "image_classifier",
                "settings": {},
                "candidates": [],
                "space": json.dumps({**tiny_space().to_spec(), "valid": f"{EVIL}:rule"}),
            },
        ),
    ],
    "function of this package": [("trainable.reference", "nas_tune.api:resume"), ("trainable.registered", False)],
    "not its own": [
        ("trainable.reference", "trainables.tasks.image_classifier:torch.hub.load"),
        ("trainable.registered", False),
    ],
    "library": [("trainable.reference", "os:walk"), ("trainable.registered", False)],
    "registered": [("registered", {"networks": {"tiny": {"builder": f"{EVIL}:build"}}})],
    "registered space": [("registered", {"spaces": {"tiny": {"factory": f"{EVIL}:space"}}})],
}


@pytest.mark.parametrize("part", quick(CODE, {"valid", "class", "inner", "inner space", "not its own", "registered"}))
def test_what_rebuilds_lists_the_code_of_a_stranger_and_stops(part: str, stranger: Stranger) -> None:
    run = stranger.run(f"code {part}", *CODE[part])
    for name, (command, *rest) in REBUILD.items():
        done = call(command, str(run), *rest)
        assert (done.exit_code, stranger.marked()) == (2, []), (name, done.stderr)
    for name, rebuild in REBUILT.items():
        with pytest.raises(NasTuneError) as why:
            rebuild(nas_tune.open_run(run))
        assert stranger.marked() == [], name
        assert why.value.exit_code == 2
    assert EVIL not in sys.modules


def test_a_search_that_is_asked_for_again_goes_on_with_no_code_of_a_stranger(stranger: Stranger) -> None:
    """`search(.., resume=True)` gives the code that it names itself; what else the run names stays where it is."""
    run = stranger.run("asked again", *CODE["registered"])
    with pytest.raises(ForeignCodeError, match=f"{EVIL}:build"):
        nas_tune.search(tiny_space(), Climber, **ASKED, run_dir=run, resume=True)
    assert (stranger.marked(), EVIL in sys.modules) == ([], False)


def test_a_retraining_in_a_retraining_ends_somewhere(stranger: Stranger) -> None:
    inner: dict[str, Any] = {"of": f"{EVIL}:train", "settings": {}, "space": "{}"}
    for _ in range(30):
        inner = {"of": "retraining", "settings": inner, "space": "{}"}
    reference = "nas_tune.winners.retrain.trainable:Retraining"
    run = stranger.run("endless", ("trainable.reference", reference), ("trainable.settings", inner))
    done = call("resume", str(run))
    assert (done.exit_code, stranger.marked()) == (2, [])
    assert "a retraining of a retraining" in done.stderr


def test_the_refusal_names_what_it_would_import_and_the_flag(stranger: Stranger) -> None:
    run = stranger.run("listed", *SPACES["valid"], *CODE["reference"])
    said = call("resume", str(run)).stderr
    assert f"space valid {EVIL}:rule" in said
    assert f"trainable {EVIL}:train" in said
    assert "--allow-code" in said
    assert "not begun by you on this machine" in said


def test_what_is_no_rule_is_never_called_whatever_is_allowed(stranger: Stranger) -> None:
    for name in ("shell", "own"):
        run = stranger.run(f"never {name}", *SPACES[name])
        for command, *rest in REBUILD.values():
            done = call(command, str(run), *rest, "--allow-code")
            assert done.exit_code in (2, 5), done.stderr
            assert "is neither" in done.stderr or "is not" in done.stderr, command


def test_allowed_code_is_loaded(stranger: Stranger) -> None:
    same = {"trainable.fingerprint": None, "trainable.held": None, "trainable.settings": {}}
    run = stranger.run("allowed", *CODE["reference"], *same.items())
    done = call("resume", str(run), "--set", "max_trials=5", "--allow-code")
    assert done.exit_code == 0, done.stderr
    assert "trained" in stranger.marked()


def test_a_run_that_this_user_began_needs_no_flag(stranger: Stranger) -> None:
    run = stranger.run("mine")
    assert call("resume", str(run), "--set", "max_trials=5").exit_code == 0
    assert nas_tune.open_run(run).evaluate()["test"] == 1


def test_the_same_run_is_a_strangers_to_another_user(
    stranger: Stranger, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    run = stranger.run("theirs")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert call("resume", str(run), "--set", "max_trials=5").exit_code == 2
    with pytest.raises(ForeignCodeError, match=r"trainable tests\.toys:Climber"):
        nas_tune.evaluate(Run(run))
    assert nas_tune.evaluate(Run(run), trainable=Climber)["test"] == 1
    assert nas_tune.resume(run, trainable=Climber, max_trials=5).state.trials == 5
    done = call("resume", str(run), "--set", "max_trials=6", "--allow-code")
    assert done.exit_code == 0
    assert "test split, never seen by the search" in done.stdout


def test_a_run_of_an_earlier_version_is_told_to_be_one(stranger: Stranger) -> None:
    run = stranger.run("old")
    with closing(sqlite3.connect(ledger_path(run))) as ledger, ledger:
        ledger.execute("DELETE FROM meta WHERE key IN ('signature', 'code')")
    seal(run)
    assert "signed no run" in call("resume", str(run), "--set", "max_trials=5").stderr
    assert nas_tune.resume(run, max_trials=5, allow_code=True).state.trials == 5


def test_a_module_of_the_same_name_that_lies_elsewhere_is_not_the_same(
    stranger: Stranger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = "def train(architecture):\n    yield {'accuracy': 1.0}\n"
    places = [tmp_path / "mine", tmp_path / "theirs"]
    for place in places:
        place.mkdir()
        (place / "same_name.py").write_text(source)
    monkeypatch.syspath_prepend(str(places[0]))
    run = nas_tune.search(
        tiny_space(), "same_name:train", max_trials=2, executor="inline", scheduler="none", run_dir=tmp_path / "run"
    )
    del sys.modules["same_name"]
    monkeypatch.syspath_prepend(str(places[1]))
    with pytest.raises(ForeignCodeError, match=r"same_name:train .*mine.same_name.py, and is .*theirs.same_name.py"):
        nas_tune.resume(run.path, max_trials=3)
    assert "same_name" not in sys.modules
    sys.path.remove(str(places[1]))
    assert nas_tune.resume(run.path, max_trials=3).state.trials == 3
    del sys.modules["same_name"]


@pytest.mark.parametrize("key", ["address", "storage"])
def test_a_stranger_sends_nobody_anywhere(key: str, stranger: Stranger, tmp_path: Path) -> None:
    """A cluster could send a pickle back, and a storage is a place outside of the run."""
    place = "ray://203.0.113.1:10001" if key == "address" else str(tmp_path / "elsewhere")
    changes = [(f"config.{key}", place)] + ([("config.executor", "ray")] if key == "address" else [])
    run = stranger.run(f"reaches {key}", ("trainable.registered", True), *changes)
    done = call("resume", str(run), "--set", "max_trials=5")
    assert done.exit_code == 2
    assert f"{key} {place}" in done.stderr
    with closing(Ledger.open(stranger.run(f"later {key}"))) as ledger:
        ledger.append(BudgetChanged(dict(change for change in [(key, place), ("executor", "ray")])))
    assert call("resume", f"runs/later {key}", "--set", "max_trials=5").exit_code == 2
    assert not (tmp_path / "elsewhere").exists()


def test_a_stranger_runs_no_program_here(stranger: Stranger) -> None:
    """The command of a device is a program of whoever began the run."""
    mark = stranger.marks / "measured"
    device = {"engine": "command", "command": f"touch {mark}"}
    run = stranger.run("commands", ("trainable.registered", True), ("config.device", device))
    done = call("resume", str(run), "--set", "max_trials=5")
    assert done.exit_code == 2
    assert f"device {device}"[:-1] in done.stderr
    with pytest.raises(ForeignCodeError, match=r"device \{'engine': 'command', 'command': 'touch "):
        nas_tune.measure(run, trainable=Climber)
    assert not mark.exists()
    harmless = stranger.run("measures", ("trainable.registered", True), ("config.device", {"engine": "torch"}))
    assert nas_tune.resume(harmless, max_trials=5, trainable=Climber).state.trials == 5


def measuring(tmp_path: Path) -> tuple[Path, dict[str, Any]]:
    """What is there after a device was asked, and a search whose supernet asks it for the latencies of its options."""
    (tmp_path / "device.sh").write_text(f"touch {tmp_path / 'asked'}\nprintf 0.5\n")
    method = {"name": "proxylessnas", "channels": 2, "cells": 1, "batch_size": 256, "costs": "latency"}
    device = {"engine": "command", "command": f"sh {tmp_path / 'device.sh'}"}
    sizes = {"max_trials": 1, "max_epochs": 1, "executor": "inline"}
    return tmp_path / "asked", {"strategy": method, "device": device, **sizes}


def test_the_checkpoint_of_an_estimator_names_code_too(stranger: Stranger, tmp_path: Path) -> None:
    settings = {"space": "tiny", "task": f"{EVIL}:Task", "checkpoint": str(tmp_path / "shared")}
    (tmp_path / "shared").mkdir()
    write_tensors(tmp_path / "shared", "search", {"settings": settings})
    shared = ("trainable.reference", "trainables.supernet.estimator:SharedWeights"), ("trainable.registered", False)
    run = stranger.run("shared", *shared, ("trainable.settings", {"checkpoint": str(tmp_path / "shared")}))
    done = call("resume", str(run), "--set", "max_trials=5")
    assert (done.exit_code, stranger.marked()) == (2, [])
    assert f"task {EVIL}:Task" in done.stderr
    empty = stranger.run("none", *shared, ("trainable.settings", {"checkpoint": str(tmp_path / "nowhere")}))
    assert EVIL not in call("resume", str(empty), "--set", "max_trials=5").stderr


@pytest.mark.slow
def test_the_supernet_of_a_stranger_asks_no_device(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked, settings = measuring(tmp_path)
    images = {"name": "image_classifier", "data": "digits", "channels": 2, "cells": 1}
    run = nas_tune.search("nb201", images, run_dir=tmp_path / "run", **settings)
    asked.unlink()
    assert nas_tune.trained(run.path)
    assert asked.exists(), "the run is mine"
    asked.unlink()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "another"))
    for again in (nas_tune.trained, nas_tune.evaluate):
        with pytest.raises(ForeignCodeError, match=r"measured_on \{'engine': 'command', 'command': 'sh "):
            again(run.path)
    edit(run.path, ("trainable.settings.method_settings", {"costs": "latency"}))
    with pytest.raises(ForeignCodeError, match="measured_on"):
        nas_tune.trained(run.path)
    assert len(nas_tune.ranking(run.path, train=5, epochs=1, top=2, proxies=(), keep=tmp_path / "kept").scores) == 5
    assert not asked.exists()


@pytest.mark.parametrize("home", ["unwritable", "absent"])
def test_without_a_home_a_run_goes_on_in_its_process_and_says_what_to_do(
    home: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signing, "_made_here", [])
    if home == "absent":
        monkeypatch.delenv("XDG_STATE_HOME")
        monkeypatch.setattr(Path, "home", _homeless)
    else:
        (tmp_path / "file").write_text("")
        monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    run = nas_tune.search(tiny_space(), Climber, max_trials=2, executor="inline", run_dir=tmp_path / "run")
    assert any("XDG_STATE_HOME" in text for _, text in run.state.notes)
    assert nas_tune.resume(run.path, max_trials=3).state.trials == 3
    monkeypatch.setattr(signing, "_made_here", [])
    with pytest.raises(ForeignCodeError):
        nas_tune.resume(run.path, max_trials=4)
    assert nas_tune.resume(run.path, max_trials=4, allow_code=True).state.trials == 4


def _homeless() -> Path:
    raise RuntimeError("Could not determine home directory.")


def test_the_key_is_for_its_user_alone_and_made_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    signature = signing.signature_of({"a": 1})
    path = signing.key_path()
    assert path is not None
    assert path.parent == tmp_path / "nas_tune"
    assert (path.stat().st_mode & 0o777, len(path.read_bytes())) == (0o600, 32)
    assert [entry.name for entry in path.parent.iterdir()] == ["key"]
    assert signing.is_signed({"a": 1}, signature)
    assert not any(signing.is_signed({"a": 2}, one) for one in (signature, "", None, "é", signature[:-1]))
    path.write_bytes(b"torn")
    assert not signing.is_signed({"a": 1}, signature)
    assert signing.is_signed({"a": 1}, signing.signature_of({"a": 1}))
    assert len(path.read_bytes()) == 32


def test_the_retraining_in_a_strangers_folder_is_another_run_to_be_trusted(
    stranger: Stranger,
) -> None:
    """Its space is text among its settings, and its trainable may have no name, so that the caller brings one."""
    run = stranger.run("retrained")
    done = nas_tune.retrain(run, executor="inline", epochs=1, seeds=1, baselines=0)
    settings = dict(done.run.meta["trainable"]["settings"])
    settings["space"] = json.dumps({**tiny_space().to_spec(), "valid": f"{EVIL}:rule"})
    edit(
        done.path,
        ("trainable.reference", None),
        ("trainable.settings", settings),
        ("config.trainable", {"name": "retraining", **settings}),
    )
    assert done.honesty.over == 1
    for rebuild in (
        lambda: nas_tune.export(run, trainable=Climber),
        lambda: nas_tune.compress(run, prune=0.5, trainable=Climber),
        lambda: nas_tune.Retrained(run).trained(trainable=Climber),
        lambda: nas_tune.resume(done.path, trainable=Climber),
    ):
        with pytest.raises(ForeignCodeError, match=rf"trainable's space valid {EVIL}:rule"):
            rebuild()
    assert stranger.marked() == []
