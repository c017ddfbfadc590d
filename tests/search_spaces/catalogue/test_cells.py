"""Spaces of blocks: sizes of the papers, loose ends, ids of isomorphic cells."""

from __future__ import annotations

import random
from itertools import permutations

import pytest

import search_spaces
from search_spaces import ArchitectureError, SpaceError
from search_spaces.catalogue.cells import BlockSpace, loose_ends
from search_spaces.catalogue.isomorphism import isomorphic_form
from search_spaces.testing import check_space
from tests.search_spaces.catalogue.genotypes import PNASNET, PUBLISHED

FAMILIES = {"nasnet": 13, "amoebanet": 8, "pnas": 8, "enas_micro": 5}
SEP, SKIP, POOL = "sep_conv_3x3", "skip_connect", "max_pool_3x3"


@pytest.mark.parametrize("name", FAMILIES)
def test_sizes_are_those_of_the_papers(name):
    space = search_spaces.get(name)
    cell = 1
    for earlier in range(2, 7):
        cell *= (earlier * FAMILIES[name]) ** 2
    assert len(space.operations) == FAMILIES[name]
    assert space.size == (cell if name == "pnas" else cell**2)


@pytest.mark.parametrize("name", FAMILIES)
def test_they_keep_every_promise_of_a_space(name):
    check_space(search_spaces.get(name), samples=8)
    for settings in ({}, {"blocks": 2, "operations": (SEP, SKIP), "concat": "all"}, {"blocks": 1, "concat": "loose"}):
        space = search_spaces.get(name, **settings)
        back = search_spaces.Space.from_spec(space.to_spec())
        assert type(back) is type(space)
        made = back.sample(0)
        assert space.validate(made.tree).id == made.id
        assert back.to_genotype(made) == space.to_genotype(made)
        assert (back.nodes, back.operations, back.concat) == (space.nodes, space.operations, space.concat)


def test_one_block_of_pnas_is_the_paper_s_256_cells_136_of_them_unique():
    members = list(search_spaces.get("pnas", blocks=1).enumerate())
    assert (len(members), len({made.id for made in members})) == (256, 136)


@pytest.mark.slow
def test_sizes_are_those_of_enumeration():
    space = search_spaces.get("enas_micro", blocks=2, operations=(SEP,))
    assert space.size == (2**2 * 3**2) ** 2 == len(set(space.enumerate()))


def _cell(*nodes):
    return [list(node) for node in nodes]


def test_loose_ends_are_what_no_other_block_takes():
    space = search_spaces.get("pnas", concat="loose")
    made = search_spaces.get("pnas").from_genotype(PNASNET)
    assert loose_ends(search_spaces.get("pnas").cells(made)["cell"]) == [2, 3, 5, 6]
    assert "normal_concat=[2, 3, 5, 6]" in space.to_genotype({"concat": "loose", **made.tree})
    for name, concats in {"NASNet": ([2, 3, 4, 5, 6], [4, 5, 6]), "AmoebaNet": ([4, 5, 6], [3, 4, 6])}.items():
        family, settings, text = PUBLISHED[name]
        cells = search_spaces.get(family, **settings)
        found = cells.cells(cells.from_genotype(text))
        assert (loose_ends(found["normal"]), loose_ends(found["reduce"])) == concats


def test_sides_and_blocks_may_change_places():
    one = _cell([(SEP, 0), (SKIP, 1)], [(POOL, 1), (POOL, 1)], [(SEP, 2), (SKIP, 3)])
    sides = _cell([(SKIP, 1), (SEP, 0)], [(POOL, 1), (POOL, 1)], [(SKIP, 3), (SEP, 2)])
    blocks = _cell([(POOL, 1), (POOL, 1)], [(SEP, 0), (SKIP, 1)], [(SEP, 3), (SKIP, 2)])
    assert len(set(map(isomorphic_form, (one, sides, blocks)))) == 1


def test_near_misses_keep_their_own_form():
    equal = [(SEP, 0), (SEP, 1)]
    cells = [
        _cell(equal, equal, [(SKIP, 2), (POOL, 3)]),  # two equal blocks used once each
        _cell(equal, equal, [(SKIP, 2), (POOL, 2)]),  # one of them used twice, the other a loose end
        _cell(equal, equal, [(SKIP, 2), (POOL, 0)]),
        _cell(equal, [(SKIP, 2), (POOL, 2)], equal[::-1]),
        _cell([(SEP, 0), (SEP, 0)], equal, [(SKIP, 2), (POOL, 3)]),
        _cell([(SEP, 0), (SEP, 0)], equal, [(SKIP, 3), (POOL, 2)]),
    ]
    assert isomorphic_form(cells[3]) == isomorphic_form(cells[1])
    del cells[3]
    assert len(set(map(isomorphic_form, cells))) == len(cells)


@pytest.mark.slow
def test_forms_are_exactly_the_isomorphism_classes():
    """Against the smallest of all renumberings, on random cells of five blocks with hardly any difference."""
    rng = random.Random(0)
    forms, smallest = {}, {}
    for _ in range(600):
        cell = [[(SEP, int(rng.random() * min(i, 4))) for _ in "ab"] for i in range(2, 7)]
        form, least = isomorphic_form(cell), _smallest(cell)
        assert forms.setdefault(least, form) == form
        assert smallest.setdefault(form, least) == least
    assert len(forms) < 600


def _smallest(cell):
    forms = []
    for order in permutations(range(2, 2 + len(cell))):
        new = {0: 0, 1: 1} | {old: index for index, old in enumerate(order, 2)}
        if all(new[source] < new[i] for i, node in enumerate(cell, 2) for _, source in node):
            forms.append([sorted((new[source], op) for op, source in cell[old - 2]) for old in order])
    return str(min(forms))


@pytest.mark.parametrize("name", FAMILIES)
def test_members_share_ids_with_their_mirror_images(name):
    space = search_spaces.get(name)
    for seed in range(20):
        made = space.sample(seed)
        mirrored = {
            kind: {key: {"left": block["right"], "right": block["left"]} for key, block in cell.items()}
            for kind, cell in made.tree.items()
        }
        assert space.validate(mirrored).id == made.id


def test_graphs_have_operations_on_vertices_and_loose_ends_at_the_output():
    family, _, text = PUBLISHED["AmoebaNet"]
    space = search_spaces.get(family)
    normal, reduce = space.graphs(space.from_genotype(text))
    kinds = [vertex.kind for vertex in normal.vertices]
    assert (kinds.count("operation"), kinds.count("state"), kinds.count("input")) == (10, 5, 2)
    ends = {graph.name: [edge.source for edge in graph.edges if edge.target == "output"] for graph in (normal, reduce)}
    assert ends == {"normal": ["4", "5", "6"], "reduce": ["3", "4", "6"]}


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"blocks": 0}, "blocks=0"),
        ({"concat": "some"}, "concat='some'"),
        ({"operations": ("sep",)}, "'sep' is unknown"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings, said):
    with pytest.raises(SpaceError, match=said):
        search_spaces.get("nasnet", **settings)


def test_smaller_spaces_are_of_the_same_class():
    assert isinstance(search_spaces.get("amoebanet", blocks=3), BlockSpace)


ENAS_NORMAL = "0 2 0 0 0 4 0 1 0 4 1 1 1 0 0 1 0 2 1 1"
ENAS_REDUCE = "1 0 1 0 0 3 0 2 1 1 3 1 1 0 0 4 0 3 1 1"
"""What ENAS' authors train in their script for CIFAR-10."""


def test_arcs_of_enas_come_and_go():
    space = search_spaces.get("enas_micro")
    made = space.from_arc(f"{ENAS_NORMAL} {ENAS_REDUCE}\n")
    sides = {"left": {"input": 0, "op": "skip_connect"}, "right": {"input": 0, "op": "sep_conv_5x5"}}
    assert made["normal"]["block_3"] == sides
    assert made["reduce"]["block_4"]["right"] == {"input": 3, "op": "sep_conv_5x5"}
    assert space.to_arc(made) == f"{ENAS_NORMAL}\n{ENAS_REDUCE}"
    sampled = space.sample(0)
    assert space.from_arc(space.to_arc(sampled)) == sampled


@pytest.mark.parametrize(
    ("arc", "path", "said"),
    [
        (ENAS_NORMAL, "", "20 numbers; two cells of 5 blocks have 40"),
        (None, "", "None is a NoneType; give the text of an arc"),
        (f"2{ENAS_NORMAL[1:]} {ENAS_REDUCE}", "normal.block_2.left.input", "number 0 is '2'; .* 0 to 1"),
        (f"{ENAS_NORMAL} 1 0 1 x{ENAS_REDUCE[7:]}", "reduce.block_2.right.op", "number 23 is 'x'; .* 0 to 4"),
    ],
)
def test_broken_arcs_of_enas_say_where(arc, path, said):
    with pytest.raises(ArchitectureError, match=said) as caught:
        search_spaces.get("enas_micro").from_arc(arc)
    assert caught.value.path == path


def test_an_arc_has_no_number_for_operations_that_enas_has_not():
    space = search_spaces.get("enas_micro", blocks=1, operations=["conv_1x1"])
    with pytest.raises(ArchitectureError, match="'conv_1x1' has no number in an arc; it has: sep_conv_3x3"):
        space.to_arc(space.sample(0))
    with pytest.raises(ArchitectureError, match="conv_1x1"):
        space.from_arc("0 0 0 0 0 0 0 0")
