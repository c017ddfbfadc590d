"""A run folder that is moved while its search runs: the search ends and says where it is; nothing is made anew."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import nas_tune
from nas_tune.errors import RunFolderError
from nas_tune.ledger import Ledger, Noted
from tests.toys import Climber, tiny_space


class Moving(Climber):
    """Moves the run's folder in the second epoch of its first trial."""

    def __init__(self, run: str = "", to: str = "") -> None:
        super().__init__()
        self._run, self._to = run, to

    def step(self) -> dict[str, float]:
        told = {**super().step(), "cost_seconds": 1.0}
        if self._epoch == 2 and os.path.isdir(self._run):
            os.rename(self._run, self._to)
        return told


@pytest.mark.parametrize("executor", ["inline", "simulated"])
def test_a_run_that_is_moved_ends_and_goes_on_in_its_new_place(executor: str, tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    settings = {"run": str(old), "to": str(new)}
    with pytest.raises(RunFolderError, match=rf"{old} no longer holds this run: .*, to {new}: go on") as why:
        nas_tune.search(
            tiny_space(), Moving, settings=settings, max_trials=3, max_epochs=4, executor=executor, run_dir=old
        )
    assert why.value.exit_code == 4
    assert [path.name for path in tmp_path.iterdir()] == ["new"]
    run = nas_tune.resume(new, trainable=Moving, space=tiny_space())
    assert list(run.trials()["trial"]) == [0, 1, 2]
    assert [path.name for path in tmp_path.iterdir()] == ["new"]


def test_a_run_whose_folder_is_another_one_by_now_is_not_written(tmp_path: Path) -> None:
    old = tmp_path / "old"
    old.mkdir()
    ledger = Ledger.create(old, {}, [Noted(-1, "first")])
    old.rename(tmp_path / "new")
    old.mkdir()
    Ledger.create(old, {}, [Noted(-1, "another")]).close()
    with pytest.raises(RunFolderError, match="no longer holds this run"):
        ledger.append(Noted(-1, "second"))
    with pytest.raises(RunFolderError, match="no longer holds this run"):
        ledger.backup(old / "backup" / "ledger.sqlite")
    ledger.close()
    assert sorted(path.name for path in old.iterdir()) == ["ledger.sqlite"]


class Talkative(Climber):
    """Says a megabyte an epoch."""

    def notes(self) -> list[str]:
        return ["x" * 1_000_000 + "\ud800"] * 60


@pytest.mark.slow
def test_long_notes_are_cut_and_many_are_left_out(tmp_path: Path) -> None:
    run = nas_tune.search(tiny_space(), Talkative, max_trials=1, max_epochs=4, executor="inline", run_dir=tmp_path)
    notes = [text for trial, text in run.state.notes if trial == 0]
    assert len(notes) == 101
    assert notes[-1] == "of one training 100 notes are kept; the others are left out"
    assert "characters left out" in notes[0]
    assert sum(map(len, notes)) < 250_000
    assert nas_tune.report(run).stat().st_size < 6_000_000
