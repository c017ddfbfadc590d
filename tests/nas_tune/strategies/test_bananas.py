"""BANANAS: random at first, then mutations of the best that the ensemble likes."""

from __future__ import annotations

import pytest

import search_spaces
from nas_tune.errors import ConfigError
from nas_tune.strategies import make
from tests.nas_tune.strategies.studies import proposer, search
from tests.nas_tune.strategies.test_auto import best, convolutions

NB201 = search_spaces.get("nb201")


@pytest.mark.slow
def test_it_learns() -> None:
    assert best(NB201, convolutions, "bananas", 40) > best(NB201, convolutions, "random", 40) + 0.5


def test_after_the_start_every_proposal_is_a_new_mutation_of_one_of_the_best() -> None:
    found = search(proposer(NB201, "bananas"), convolutions, 16)
    assert len({made.id for made, _ in found}) == 16
    child, before = NB201.params(found[-1][0]), [NB201.params(made) for made, _ in found[:-1]]
    assert 1 in {sum(child[name] != other[name] for name in child) for other in before}


@pytest.mark.parametrize("settings", [{"startup": 1}, {"ensemble": 1}, {"candidates": 0}])
def test_settings_out_of_range_are_refused(settings: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match=f"strategy.{next(iter(settings))} is"):
        make("bananas", NB201, 0, settings)
