"""The spaces of vision transformers and of transformer language models."""

from __future__ import annotations

import pytest

import search_spaces
from search_spaces import Space, SpaceError
from search_spaces.errors import ArchitectureError
from search_spaces.testing import check_space

SMALL = {"embeddings": (8, 16), "heads": (1, 2), "mlp_ratios": (2.0, 3.0, 4.0), "depths": (1, 3)}


@pytest.mark.parametrize(
    ("size", "embeddings", "blocks", "low"), [("tiny", 3, 4, 12), ("small", 3, 9, 12), ("base", 3, 9, 14)]
)
def test_vit_has_the_size_of_autoformers_spaces(size, embeddings, blocks, low):
    space = search_spaces.get("vit", size=size)
    assert space.size == embeddings * (blocks**low + blocks ** (low + 1) + blocks ** (low + 2))
    assert space.name == "vit"


def test_vit_is_autoformers_tiny_space():
    assert search_spaces.get("vit").to_spec() == search_spaces.get("vit", size="tiny").to_spec()
    block = {"heads": 4, "mlp_ratio": 3.5}
    member = {"embedding": 216, "blocks": [block] * 13}
    assert search_spaces.get("vit").contains(member)
    for other in ({**member, "embedding": 200}, {**member, "blocks": [block] * 11}, {**member, "blocks": [block] * 15}):
        assert not search_spaces.get("vit").contains(other)


def test_transformer_lm_has_a_size_by_formula():
    assert search_spaces.get("transformer_lm").size == 15 * sum((3 * 5) ** depth for depth in range(2, 17))


@pytest.mark.parametrize("name", ["vit", "transformer_lm"])
def test_reduced_versions_are_enumerated(name):
    space = search_spaces.get(name, **SMALL)
    members = list(space.enumerate())
    assert space.size == len(members) == len({made.id for made in members}) == 2 * (6 + 6**2 + 6**3)


@pytest.mark.parametrize("name", ["vit", "transformer_lm"])
def test_they_keep_every_promise_of_a_space(name):
    space = search_spaces.get(name)
    check_space(space, samples=4)
    assert Space.from_spec(space.to_spec()).to_spec() == space.to_spec()


@pytest.mark.parametrize("name", ["vit", "transformer_lm"])
def test_blocks_are_drawn_as_a_chain(name):
    space = search_spaces.get(name, **SMALL)
    (graph,) = space.graphs(space.validate({"embedding": 8, "blocks": [{"heads": 1, "mlp_ratio": 2.0}] * 3}))
    operations = [vertex for vertex in graph.vertices if vertex.kind == "operation"]
    assert len([vertex for vertex in operations if "heads 1" in vertex.label]) == 3
    assert len(graph.edges) == len(graph.vertices) - 1


def test_foreign_members_are_refused_with_their_path():
    tree = {"embedding": 192, "blocks": [{"heads": 3, "mlp_ratio": 4.0}] * 12}
    tree["blocks"] = [*tree["blocks"][:5], {"heads": 5, "mlp_ratio": 4.0}, *tree["blocks"][6:]]
    with pytest.raises(ArchitectureError, match="3, 4") as caught:
        search_spaces.get("vit").validate(tree)
    assert caught.value.path == "blocks.5.heads"


@pytest.mark.parametrize("name", ["vit", "transformer_lm"])
@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"depths": 3}, r"depths=3: give the least and the greatest, such as \("),
        ({"depths": (1, 2.5)}, r"depths=\(1, 2.5\): give the least and the greatest"),
        ({"depths": (0, 2)}, r"depths=\(0, 2\): there is at least one block; raise the first number"),
        ({"depths": (3, 1)}, r"depths=\(3, 1\): the least is above the greatest; swap them"),
        ({"embeddings": 192}, r"embeddings=192: give a list of whole numbers above 0, such as \["),
        ({"heads": [0]}, r"heads=\[0\]: 0 is not a whole number above 0"),
        ({"heads": "3"}, "heads='3': give a list"),
        ({"mlp_ratios": [4.0, "a"]}, r"mlp_ratios=\[4.0, 'a'\]: 'a' is not a number above 0"),
        ({"mlp_ratios": []}, r"mlp_ratios=\[\]: give a list of numbers above 0"),
    ],
)
def test_settings_that_make_no_space_are_refused(name, settings, said):
    with pytest.raises(SpaceError, match=said):
        search_spaces.get(name, **settings)


def test_unknown_sizes_and_settings_are_refused():
    with pytest.raises(SpaceError, match="did you mean 'tiny'"):
        search_spaces.get("vit", size="tinny")
    with pytest.raises(SpaceError, match="did you mean 'depths'"):
        search_spaces.get("transformer_lm", depth=(1, 2))
