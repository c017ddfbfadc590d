"""A search that begins with the best by a score that costs nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

import nas_tune
from nas_tune.config import SearchConfig
from nas_tune.errors import ConfigError
from search_spaces import Architecture, UnknownNameError
from tests.toys import Climber, conditional_space, quality

INITIAL = {"name": "zero_cost", "proxy": "quality", "candidates": 60, "trials": 3}


class Oracle(Climber):
    """Scores by the very quality that the training is after."""

    proxies = ("quality",)

    def zero_cost(self, architecture: Architecture, proxy: str, *, seed: int) -> float:
        return quality(architecture)


def searched(folder: Path, trainable: type = Oracle, **more: object) -> nas_tune.Run:
    more = {"initial": INITIAL, "executor": "inline", "max_trials": 5, "max_epochs": 2, **more}
    return nas_tune.search(conditional_space(), trainable, strategy="random", scheduler="none", run_dir=folder, **more)


def trees(run: nas_tune.Run) -> list[Architecture]:
    return [conditional_space().validate(tree) for tree in map(_tree, run.trials()["architecture"])]


def _tree(text: object) -> object:
    import json

    return json.loads(text) if isinstance(text, str) else text


def test_the_first_trials_are_the_best_and_the_strategy_goes_on(tmp_path: Path) -> None:
    qualities = [quality(made) for made in trees(searched(tmp_path / "a"))]
    assert len(qualities) == 5
    assert qualities[:3] == sorted(qualities[:3], reverse=True)
    assert min(qualities[:3]) >= max(qualities[3:])
    assert [quality(made) for made in trees(searched(tmp_path / "b"))] == qualities


def test_what_is_enqueued_comes_first_and_not_twice(tmp_path: Path) -> None:
    best = trees(searched(tmp_path / "a", max_trials=1))[0]
    made = trees(searched(tmp_path / "b", enqueue=[conditional_space().sample(0), best]))
    assert [one.id for one in made[:2]] == [conditional_space().sample(0).id, best.id]
    assert len({one.id for one in made}) == 5


def test_a_resume_does_not_rank_again(tmp_path: Path) -> None:
    searched(tmp_path / "a", max_trials=1)
    asked = quality

    def never(*_: object, **__: object) -> float:
        raise AssertionError("ranked again")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Oracle, "zero_cost", never)
        run = nas_tune.resume(
            tmp_path / "a", space=conditional_space(), trainable=Oracle, max_trials=5, accept_code_change=True
        )
    assert [asked(made) for made in trees(run)] == [asked(made) for made in trees(searched(tmp_path / "b"))]


def test_what_cannot_rank_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="initial: Climber cannot score an architecture"):
        searched(tmp_path / "a", Climber)
    with pytest.raises(UnknownNameError, match="did you mean 'quality'"):
        searched(tmp_path / "a", initial={**INITIAL, "proxy": "qualty"})
    assert not (tmp_path / "a").exists()


def test_the_key_is_checked_and_written_down() -> None:
    config = SearchConfig(space="nb201", max_trials=3, initial=INITIAL)
    assert SearchConfig.from_toml(config.to_toml()) == config == SearchConfig.from_json(config.to_json())
    assert SearchConfig.from_json(SearchConfig(space="nb201", max_trials=3).to_json()).initial is None
    with pytest.raises(ConfigError, match="initial: got 3"):
        SearchConfig(space="nb201", max_trials=3, initial=3)
