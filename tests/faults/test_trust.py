"""A run folder from a stranger: reading it imports nothing and calls nothing that it names."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

import nas_tune
from nas_tune.cli.app import app
from nas_tune.errors import ConfigError
from nas_tune.results import Run
from search_spaces import Space, choice
from tests.faults.stranger import EVIL, Stranger
from tests.toys import tiny_space


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


@pytest.mark.parametrize("part", SPACES)
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
