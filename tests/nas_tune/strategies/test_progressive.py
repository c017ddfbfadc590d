"""Progressive search: from small to large, one block a generation."""

from __future__ import annotations

import pytest

import search_spaces
from nas_tune.errors import ConfigError
from nas_tune.strategies import make
from search_spaces import Architecture
from tests.nas_tune.strategies.studies import proposer, search


def length(architecture: Architecture) -> int:
    return len(architecture["layers"])


@pytest.mark.slow
def test_lists_grow_by_one_item_a_generation_where_that_pays() -> None:
    found = search(proposer(search_spaces.get("chain"), "progressive", settings={"beam": 4}), length, 24)
    assert {length(made) for made, _ in found[:4]} == {1}
    assert max(length(made) for made, _ in found[4:8]) == 2
    assert max(value for _, value in found) >= 4


@pytest.mark.slow
def test_of_cells_the_first_blocks_of_the_best_stay() -> None:
    space = search_spaces.get("pnas")

    def wanted(architecture: Architecture) -> float:
        return float(str(space.params(architecture)).count("sep_conv_5x5"))

    found = search(proposer(space, "progressive", settings={"beam": 4}), wanted, 28)
    assert max(value for _, value in found[8:]) > max(value for _, value in found[:4])


def test_a_space_that_cannot_grow_is_refused_with_alternatives() -> None:
    with pytest.raises(ConfigError, match=r"progressive cannot search .*auto"):
        make("progressive", search_spaces.get("nb201"), 0)


def test_a_beam_of_one_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"strategy\.beam is 1"):
        make("progressive", search_spaces.get("chain"), 0, {"beam": 1})
