"""A decision in the words of a picture."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from search_spaces import Space, choice
from search_spaces.architecture import Scalar
from search_spaces.graphs.outline import _blocks, decision_text, outline


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("depth", 3, "depth 3"),
        ("rate", 0.12345, "rate 0.123"),
        ("op", "conv_3x3", "conv_3x3"),
        ("activation", "relu", "relu"),
        ("", "conv_3x3", "conv_3x3"),
        ("skip", True, "skip"),
        ("skip", False, "no skip"),
        ("", True, "true"),
        ("norm", None, "norm none"),
    ],
)
def test_one_decision_in_words(key: str, value: Scalar, words: str) -> None:
    assert decision_text(key, value) == words


FLAT = {f"k{number}": number for number in range(9)}
EIGHT = "k0 0, k1 1, k2 2, k3 3, k4 4, k5 5, k6 6, k7 7"
SHAPES: dict[str, tuple[Any, list[tuple[str, str]]]] = {
    "one block": ({"op": "conv", "depth": 3}, [("", "conv, depth 3")]),
    "a key that needs no word": ({"op": {"conv": {"k": 3}}}, [("", "conv k 3")]),
    "a key that needs one": ({"head": {"conv": {"k": 3}}}, [("", "head conv k 3")]),
    "a list of values": ({"skips": [1, 2], "none": []}, [("", "skips 1, 2, none none")]),
    "a list of dicts": ([{"op": "a"}, {"op": "b"}], [("0", "a"), ("1", "b")]),
    "nothing": ({}, [("", "nothing")]),
    "eight side by side": (dict(list(FLAT.items())[:8]) | {"items": [[1]]}, [("", EIGHT), ("items.0", "1")]),
    "more": (FLAT | {"items": [[1]]}, [*((f"k{n}", f"k{n} {n}") for n in range(9)), ("items.0", "1")]),
    "48 characters": ({"a": {"b": "x" * 20}, "c": {"d": "x" * 18}}, [("", f"a b {'x' * 20}, c d {'x' * 18}")]),
    "49": ({"a": {"b": "x" * 20}, "c": {"d": "x" * 19}}, [("a", f"a b {'x' * 20}"), ("c", f"c d {'x' * 19}")]),
    "a head of its own": ({"stem": {"items": [[1]], "k": 3}}, [("stem", "stem k 3"), ("stem.items.0", "1")]),
}


@pytest.mark.parametrize("name", SHAPES)
def test_what_is_a_block_and_how_it_is_called(name: str) -> None:
    tree, blocks = SHAPES[name]
    assert list(_blocks(tree, "", "")) == blocks


CONV = {"op": choice("conv"), "depth": choice(3)}


@pytest.mark.parametrize(
    ("tree", "blocks"),
    [
        (CONV, [("<root>", "conv, depth 3")]),
        ({"stem": CONV, "width": choice(8)}, [("<root>", "width 8"), ("stem", "stem conv, depth 3")]),
        ({"stem": CONV, "head": CONV}, [("stem", "stem conv, depth 3"), ("head", "head conv, depth 3")]),
        ([CONV, {"op": choice("pool")}], [("0", "conv, depth 3"), ("1", "pool")]),
        ([choice(1), choice(2)], [("<root>", "1, 2")]),
        (choice("conv"), [("<root>", "conv")]),
    ],
)
@pytest.mark.parametrize("name", [None, "mine"])
def test_a_member_is_a_chain_of_its_parts(name: str | None, tree: Any, blocks: list[tuple[str, str]]) -> None:
    space = Space(tree, name=name)
    (graph,) = outline(space, space.sample(0))
    assert graph.name == (name or "architecture")
    inner = [(vertex.name, vertex.label) for vertex in graph.vertices if vertex.kind == "operation"]
    assert inner == blocks
    names = [vertex.name for vertex in graph.vertices]
    assert (names[0], names[-1]) == ("<input>", "<output>")
    assert [(edge.source, edge.target) for edge in graph.edges] == list(pairwise(names))
