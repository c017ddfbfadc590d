"""The spaces of Once-for-All and ProxylessNAS: sizes, identities, settings, graphs."""

from __future__ import annotations

from typing import Any

import pytest

import search_spaces
from search_spaces import ArchitectureError, SpaceError
from search_spaces.catalogue.mobilenetv3 import MobileNetV3Space
from search_spaces.catalogue.proxylessnas import ProxylessNASSpace
from search_spaces.testing import check_space

OFA = search_spaces.get("mobilenetv3")
PROXYLESS = search_spaces.get("proxylessnas")


def ofa(*stages: list[tuple[int, float]], resolution: int = 128, width: float = 1.0) -> dict[str, Any]:
    """A tree from (kernel, expansion) pairs; stages that are not said have two small blocks."""
    said = [*stages, *[[(3, 3), (3, 3)]] * (5 - len(stages))]
    blocks = {f"stage_{i}": [{"kernel": k, "expansion": e} for k, e in stage] for i, stage in enumerate(said, 1)}
    return {"resolution": resolution, "width": width, **blocks}


def proxyless(*first: str) -> dict[str, Any]:
    """A tree with these blocks in the first stage, and the smallest everywhere else."""
    rest = {f"block_{i}": "mbconv3_3x3" for i in range(1, 5)}
    tree: dict[str, Any] = {f"stage_{i}": dict(rest) for i in range(2, 6)}
    stage_1 = {f"block_{i}": block for i, block in enumerate(first, 1)}
    return {"stage_1": stage_1, **tree, "stage_6": {"block_1": "mbconv3_3x3"}}


def test_they_have_the_papers_sizes() -> None:
    assert OFA.size == sum(9**depth for depth in (2, 3, 4)) ** 5 * 25 * 2
    assert PROXYLESS.size == 6**6 * 7**15
    assert (len(OFA.parameters), len(PROXYLESS.parameters)) == (2 + 5 * (1 + 4 * 2), 21)


@pytest.mark.parametrize("space", [OFA, PROXYLESS], ids=["mobilenetv3", "proxylessnas"])
def test_they_keep_every_promise_of_a_space(space: search_spaces.Space) -> None:
    check_space(space, samples=5)
    back = search_spaces.Space.from_spec(space.to_spec())
    assert (type(back), back.fingerprint) == (type(space), space.fingerprint)
    assert back.graphs(space.sample(0)) == space.graphs(space.sample(0))


def test_the_formulas_count_reduced_versions() -> None:
    small = search_spaces.get(
        "mobilenetv3", resolutions=(32, 64), widths=(1.0,), kernels=(3,), expansions=(3, 6), depth=(1, 1)
    )
    members = list(small.enumerate())
    assert small.size == len(members) == len({made.id for made in members}) == 2 * 2**5
    deep = search_spaces.get("proxylessnas", blocks=(3, 1, 1, 1, 1, 1), kernels=(3,), expansions=(3,))
    members = list(deep.enumerate())
    assert deep.size == len(members) == 2**2
    assert len({made.id for made in members}) == 1 + 1 + 1  # two blocks, one, none; one may be in two places
    wide = search_spaces.get("proxylessnas", blocks=(1, 1, 1, 1, 1, 4), kernels=(3, 5), expansions=(3,))
    assert len({made.id for made in wide.enumerate()}) == 2**6 * (1 + 2 + 4 + 8)
    assert (type(small), type(deep)) == (MobileNetV3Space, ProxylessNASSpace)


def test_zeros_of_a_stage_may_stand_anywhere() -> None:
    trees = [
        proxyless("mbconv6_5x5", "zero", "mbconv3_3x3", "mbconv6_7x7"),
        proxyless("mbconv6_5x5", "mbconv3_3x3", "zero", "mbconv6_7x7"),
        proxyless("mbconv6_5x5", "mbconv3_3x3", "mbconv6_7x7", "zero"),
    ]
    assert len({PROXYLESS.validate(tree).id for tree in trees}) == 1
    assert len({PROXYLESS.validate(tree) for tree in trees}) == 3


def test_other_blocks_keep_their_order_and_stage() -> None:
    trees = [
        proxyless("mbconv6_5x5", "mbconv3_3x3", "mbconv6_7x7", "zero"),
        proxyless("mbconv6_5x5", "mbconv6_7x7", "mbconv3_3x3", "zero"),
        proxyless("mbconv3_3x3", "mbconv6_5x5", "mbconv6_7x7", "zero"),
        proxyless("mbconv6_5x5", "mbconv3_3x3", "zero", "zero"),
        proxyless("mbconv6_5x5", "mbconv3_3x3", "mbconv6_7x7", "mbconv6_7x7"),
    ]
    moved = proxyless("mbconv6_5x5", "mbconv3_3x3", "mbconv6_7x7", "mbconv3_3x3")
    moved["stage_2"]["block_4"] = "zero"
    assert len({PROXYLESS.validate(tree).id for tree in [*trees, moved]}) == 6


def test_every_decision_of_mobilenetv3_tells() -> None:
    trees = [
        ofa(),
        ofa(resolution=132),
        ofa(width=1.2),
        ofa([(3, 3), (3, 3), (3, 3)]),
        ofa([(3, 3), (5, 4)]),
        ofa([(5, 4), (3, 3)]),
        ofa([(5, 3), (3, 4)]),
        ofa([(3, 3), (3, 3)], [(5, 4), (3, 3)]),
    ]
    assert len({OFA.validate(tree).id for tree in trees}) == len(trees)


def test_graphs_are_rows_of_labelled_blocks() -> None:
    (graph,) = OFA.graphs(ofa([(5, 4), (3, 6), (7, 3)], resolution=160, width=1.2))
    assert graph.name == "resolution 160, width 1.2"
    labels = [vertex.label for vertex in graph.vertices if vertex.kind == "operation"]
    assert labels == ["mbconv4 5x5", "mbconv6 3x3", "mbconv3 7x7", *["mbconv3 3x3"] * 8]
    assert [(edge.source, edge.target) for edge in graph.edges[1:3]] == [
        ("stage_1.0", "stage_1.1"),
        ("stage_1.1", "stage_1.2"),
    ]
    (graph,) = PROXYLESS.graphs(proxyless("mbconv6_5x5", "zero", "mbconv3_7x7", "zero"))
    labels = [vertex.label for vertex in graph.vertices if vertex.kind == "operation"]
    assert labels == ["mbconv6 5x5", "mbconv3 7x7", *["mbconv3 3x3"] * 17]


@pytest.mark.parametrize(
    ("name", "tree", "path"),
    [
        ("mobilenetv3", ofa([(4, 3), (3, 3)]), "stage_1.0.kernel"),
        ("mobilenetv3", ofa([(3, 3), (3, 5)]), "stage_1.1.expansion"),
        ("mobilenetv3", ofa([(3, 3)]), "stage_1"),
        ("mobilenetv3", ofa(resolution=130), "resolution"),
        ("proxylessnas", proxyless("zero", *["mbconv3_3x3"] * 3), "stage_1.block_1"),
        ("proxylessnas", proxyless(*["mbconv3_3x3"] * 3, "mbconv4_3x3"), "stage_1.block_4"),
    ],
)
def test_what_does_not_belong_is_refused_with_its_path(name: str, tree: dict[str, Any], path: str) -> None:
    with pytest.raises(ArchitectureError) as caught:
        search_spaces.get(name).validate(tree)
    assert caught.value.path == path


@pytest.mark.parametrize(
    ("name", "settings", "said"),
    [
        ("mobilenetv3", {"kernels": (3, 4)}, "kernel 4"),
        ("mobilenetv3", {"depth": (0, 2)}, "at least one block"),
        ("mobilenetv3", {"expansion": (3,)}, "did you mean 'expansions'"),
        ("proxylessnas", {"kernels": (0,)}, "0 is not a whole number above 0"),
        ("proxylessnas", {"blocks": (4, 4)}, "6 stages"),
        ("proxylessnas", {"blocks": (4, 4, 4, 4, 4, 0)}, "0 is not a whole number above 0"),
        ("proxylessnas", {"expansions": (2.5,)}, "2.5 is not a whole number above 0"),
        ("mobilenetv3", {"kernels": 3}, r"kernels=3: give a list of whole numbers above 0, such as \[3, 5, 7\]"),
        ("mobilenetv3", {"kernels": []}, r"kernels=\[\]: give a list"),
        ("mobilenetv3", {"widths": (1.0, 0)}, r"widths=\(1.0, 0\): 0 is not a number above 0"),
        ("mobilenetv3", {"resolutions": [128.5]}, r"resolutions=\[128.5\]: 128.5 is not a whole number above 0"),
        ("mobilenetv3", {"expansions": ["3"]}, r"expansions=\['3'\]: '3' is not a number above 0"),
        ("mobilenetv3", {"depth": 3}, r"depth=3: give the least and the greatest, such as \(2, 4\)"),
        ("mobilenetv3", {"depth": (4, 2)}, r"depth=\(4, 2\): the least is above the greatest; swap them"),
        ("proxylessnas", {"blocks": 3}, r"blocks=3: give a list of whole numbers above 0, such as \[4, 4"),
        ("proxylessnas", {"expansions": 3}, "expansions=3: give a list of whole numbers above 0"),
    ],
)
def test_settings_that_make_no_space_are_refused(name: str, settings: dict[str, Any], said: str) -> None:
    with pytest.raises(SpaceError, match=said):
        search_spaces.get(name, **settings)
