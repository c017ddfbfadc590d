"""What is kept of candidates is kept for speed: it does not matter what was described before."""

from __future__ import annotations

import pytest

import search_spaces
from nas_tune.strategies.predictors import Candidates
from search_spaces import Architecture

NB201 = search_spaces.get("nb201")


def alike() -> tuple[Architecture, Architecture]:
    """Two cells of one id: behind a zero it does not matter what stands."""
    edges = ("edge_0_1", "edge_0_2", "edge_1_2", "edge_0_3", "edge_1_3", "edge_2_3")
    one = ("none", "none", "avg_pool_3x3", "skip_connect", "none", "none")
    other = ("none", "none", "none", "skip_connect", "none", "none")
    cells = [NB201.validate(dict(zip(edges, operations, strict=True))) for operations in (one, other)]
    assert cells[0].id == cells[1].id
    return cells[0], cells[1]


@pytest.mark.slow
def test_features_and_neighbours_do_not_hang_on_what_was_asked_before() -> None:
    one, other = alike()
    fresh, used = Candidates(NB201), Candidates(NB201)
    used.described([one])
    used.around(one)
    assert (used.described([other]).blocks.all() == fresh.described([other]).blocks.all()).all()
    assert used.around(other) == fresh.around(other)


def test_what_has_one_id_looks_the_same_where_all_members_are_known() -> None:
    one, other = alike()
    pool = Candidates(NB201)
    assert len(pool.described([one, other]).architectures) == 1
    assert (pool.described([one]).blocks.all() == pool.described([other]).blocks.all()).all()
