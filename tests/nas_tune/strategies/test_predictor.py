"""Search by a ranker: it learns, and equal trials give equal trees."""

from __future__ import annotations

import pytest

import search_spaces
from nas_tune.errors import ConfigError
from nas_tune.strategies import make
from nas_tune.strategies.predictor import RankPredictor
from tests.nas_tune.strategies.studies import proposer, search
from tests.nas_tune.strategies.test_auto import best, convolutions

NB201 = search_spaces.get("nb201")


@pytest.mark.slow
def test_it_learns() -> None:
    assert best(NB201, convolutions, "predictor", 40) > best(NB201, convolutions, "random", 40) + 0.5


@pytest.mark.slow
def test_a_fresh_process_grows_the_same_trees() -> None:
    first = search(proposer(NB201, "predictor"), convolutions, 25)
    RankPredictor._rankers.clear()
    assert search(proposer(NB201, "predictor"), convolutions, 25) == first


@pytest.mark.parametrize("settings", [{"startup": 1}, {"explore": 1}, {"candidates": 0}])
def test_settings_out_of_range_are_refused(settings: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match=f"strategy.{next(iter(settings))} is"):
        make("predictor", NB201, 0, settings)
