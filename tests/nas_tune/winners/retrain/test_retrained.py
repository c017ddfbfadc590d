"""A retraining, found again by its folder, by that of its run, or by the run."""

from __future__ import annotations

from pathlib import Path

import pytest

import nas_tune
from nas_tune.errors import ConfigError
from nas_tune.winners.retrain import Retrained, retrain
from tests.nas_tune.winners.retrain.test_retrain import searched


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> nas_tune.Run:
    made = searched(tmp_path_factory.mktemp("runs"))
    retrain(made, seeds=2, epochs=1, baselines=1)
    retrain(made, seeds=1, epochs=2, baselines=0, settings={"slow": 0.0001})
    return made


def test_the_newest_of_a_run_or_the_one_of_the_folder(run: nas_tune.Run) -> None:
    for asked in (run, run.path, str(run.path)):
        assert Retrained(asked).path == run.path / "retrain-2"
    assert Retrained(run.path / "retrain").path == run.path / "retrain"
    assert [one.path.name for one in Retrained.all_of(run)] == ["retrain", "retrain-2"]


def test_it_knows_what_was_trained_and_how(run: nas_tune.Run) -> None:
    first, second = Retrained.all_of(run)
    assert [one.kind for one in first.candidates] == ["chosen", "random"]
    assert first.candidates[0].trial == second.candidates[0].trial == int(run.best(1)["trial"].iloc[0])
    assert first.recipe == {"of": "tests.nas_tune.winners.retrain.examples:Counted", "whole": True}
    assert second.recipe["slow"] == 0.0001
    assert (first.finished, second.finished) == (True, True)
    assert repr(first) == f"Retrained({str(run.path / 'retrain')!r}: 4 of 4 trainings over)"
    assert (first.honesty.seeds, second.honesty.epochs) == (2, 2)


def test_what_is_none_says_how_to_make_one(run: nas_tune.Run, tmp_path: Path) -> None:
    other = searched(tmp_path)
    assert Retrained.all_of(other) == []
    with pytest.raises(ConfigError, match=r"has no retraining yet; make one: nas-tune retrain .*run"):
        Retrained(other)
    with pytest.raises(ConfigError, match=r"\(chosen=0, repeat=2\) is not there; complete: \(0, 0\), \(1, 0\)"):
        Retrained(run.path / "retrain").trained(0, 2)
