"""The chain space: its size, its promises, and which chains are the same."""

from __future__ import annotations

from typing import Any

import search_spaces
from search_spaces.testing import check_space

SPACE = search_spaces.get("chain")


def _layer(**changes: Any) -> dict[str, Any]:
    return {"op": "conv_3x3", "channels": 64, "stride": 1, "connection": "series"} | changes


def _id(*layers: dict[str, Any]) -> str:
    return SPACE.validate({"layers": list(layers)}).id


def test_size_is_the_sum_over_lengths() -> None:
    a_layer = 9 * 32 * 2 * 4
    assert SPACE.size == sum(a_layer**length for length in range(1, 11))


def test_it_keeps_every_promise_of_a_space() -> None:
    check_space(SPACE, samples=15)
    assert {len(SPACE.sample(seed)["layers"]) for seed in range(200)} == set(range(1, 11))


def test_channels_count_for_convolutions_only() -> None:
    for op in ("max_pool_3x3", "avg_pool_3x3", "identity", "zero"):
        assert _id(_layer(op=op, channels=16)) == _id(_layer(op=op, channels=512))
    for op in ("conv_3x3", "conv_5x5", "conv_7x7", "dwconv_3x3", "dwconv_5x5"):
        assert _id(_layer(op=op, channels=16)) != _id(_layer(op=op, channels=512))


def test_a_first_layer_has_nothing_to_run_parallel_to() -> None:
    parallel = _layer(connection="parallel")
    assert _id(parallel) == _id(_layer())
    assert _id(_layer(), parallel) != _id(_layer(), _layer())


def test_every_other_decision_counts() -> None:
    changes = (
        {},
        {"op": "conv_5x5"},
        {"stride": 2},
        {"connection": "skip"},
        {"connection": "dense"},
        {"channels": 80},
    )
    chains = [(_layer(**change),) for change in changes] + [(_layer(), _layer())]
    assert len({_id(*chain) for chain in chains}) == len(chains)
