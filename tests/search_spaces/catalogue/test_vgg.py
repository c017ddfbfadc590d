"""Blocks with pooling between them: size, identity, pictures, what is refused."""

from __future__ import annotations

from typing import Any

import pytest

import search_spaces
from search_spaces import SpaceError
from search_spaces.testing import check_space

BLOCK = {"operation": "conv", "convolutions": 1, "kernel": 3, "grow": 2, "skip": False, "pool": "max"}


def member(*blocks: dict[str, Any], summary: str = "mean") -> dict[str, Any]:
    return {"blocks": [{**BLOCK, **block} for block in blocks], "summary": summary}


@pytest.mark.parametrize(("name", "settings"), [("vgg", {}), ("spectrogram", {"of": "vgg"})])
def test_it_keeps_every_promise_of_a_space(name: str, settings: dict[str, Any]) -> None:
    check_space(search_spaces.get(name, **settings))


def test_the_pooling_of_the_last_block_decides_nothing() -> None:
    space = search_spaces.get("vgg")
    of = {"avg", "max"}
    assert space.size == 2 * sum((2 * 2 * 2 * 3 * 2 * len(of)) ** depth for depth in (3, 4, 5))
    one, same, other = (
        space.validate(member({}, {"pool": middle}, {"pool": last}))
        for middle, last in (("max", "max"), ("max", "avg"), ("avg", "max"))
    )
    assert one.id == same.id != other.id


def test_its_picture_has_the_pooling_between_the_blocks() -> None:
    space = search_spaces.get("vgg")
    (graph,) = space.graphs(member({}, {"pool": "avg", "skip": True}, {"grow": 1.5}))
    assert [vertex.label for vertex in graph.vertices] == [
        "input",
        "1 conv_3 x2",
        "max_pool /2",
        "1 conv_3 x2 + input",
        "avg_pool /2",
        "1 conv_3 x1.5",
        "mean",
        "output",
    ]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"kernels": (4,)}, "4 is even, and a kernel needs a middle element"),
        ({"pools": ("mux",)}, "pools: 'mux' is unknown; did you mean 'max'"),
        ({"operations": ()}, "operations=.*at least one name"),
        ({"growths": (0,)}, "0 is not a number above 0"),
        ({"depths": (0, 2)}, "at least one block"),
    ],
)
def test_what_cannot_be_is_refused(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(SpaceError, match=said):
        search_spaces.get("vgg", **settings)
