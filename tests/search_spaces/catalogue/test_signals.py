"""Spaces for signals: size, identity, pictures, what is refused."""

from __future__ import annotations

from typing import Any

import pytest

import search_spaces
from search_spaces import Space, SpaceError
from search_spaces.testing import check_space


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "settings"),
    [("chain1d", {}), ("spectrogram", {}), ("spectrogram", {"of": "chain"}), ("spectrogram", {"of": "nb101"})],
)
def test_it_keeps_every_promise_of_a_space(name: str, settings: dict[str, Any]) -> None:
    check_space(search_spaces.get(name, **settings))


def test_sizes_follow_from_the_options() -> None:
    assert search_spaces.get("chain1d").size == 2 * sum((2 * 5 * 4 * 7) ** depth for depth in range(1, 9))
    assert search_spaces.get("spectrogram").size == 4 * 2 * 2 * 2 * 15_625


def test_every_decision_of_a_chain_makes_another_member() -> None:
    space = search_spaces.get("chain1d", kernels=(3, 5), strides=(1, 2), widths=(8,), depths=(1, 2))
    assert space.size == 2 * (8 + 64) == len({member.id for member in space.enumerate()})


def test_networks_that_compute_the_same_share_an_id_behind_one_front_end() -> None:
    space, cells = search_spaces.get("spectrogram"), search_spaces.get("nb201")
    one = cells.from_string("|nor_conv_3x3~0|+|none~0|skip_connect~1|+|none~0|none~1|skip_connect~2|")
    other = cells.from_string("|none~0|+|nor_conv_3x3~0|none~1|+|none~0|none~1|skip_connect~2|")
    front = {"bands": 32, "window": 32, "hop": 16, "scale": "log"}
    first, same = (space.validate({"front": front, "of": "nb201", "network": cell.tree}) for cell in (one, one))
    assert first.id == same.id
    assert (one.id == other.id) == (
        first.id == space.validate({"front": front, "of": "nb201", "network": other.tree}).id
    )
    louder = space.validate({"front": {**front, "scale": "pcen"}, "of": "nb201", "network": one.tree})
    assert louder.id != first.id
    assert [graph.name for graph in space.graphs(first)] == ["spectrogram", "cell"]
    assert Space.from_spec(space.to_spec()).fingerprint == space.fingerprint


@pytest.mark.parametrize(
    ("name", "settings", "said"),
    [
        ("chain1d", {"kernels": (3, 4)}, "4 is even, and a kernel needs a middle"),
        ("chain1d", {"summaries": ("max",)}, "'max' is unknown; known: mean, gru"),
        ("chain1d", {"operations": ("convv",)}, "'convv' is unknown"),
        ("spectrogram", {"scales": ("loud",)}, "'loud' is unknown; known: log, pcen"),
        (
            "spectrogram",
            {"of": "nb102"},
            r"of='nb102' is not a space of networks for images in this package; did you mean 'nb101'\?",
        ),
        ("spectrogram", {"of": "spectrogram"}, "is not a space of networks for images"),
    ],
)
def test_bad_settings_are_refused(name: str, settings: dict[str, Any], said: str) -> None:
    with pytest.raises(SpaceError, match=said):
        search_spaces.get(name, **settings)
