"""DARTS: the size of the paper, and ids that are those of isomorphic cells."""

from __future__ import annotations

from itertools import permutations

import pytest

import search_spaces
from search_spaces import ArchitectureError, SpaceError
from search_spaces.catalogue.darts import OPERATIONS, DartsSpace
from search_spaces.testing import check_space

SPACE = DartsSpace()


def _member(normal, space=SPACE):
    """The member with this normal cell, nodes as dicts of input to operation, and a plain reduction cell."""
    nodes = {f"node_{i}": [{f"input_{s}": op} for s, op in node.items()] for i, node in enumerate(normal, 2)}
    rest = {f"node_{i}": [{"input_0": OPERATIONS[0]}, {"input_1": OPERATIONS[0]}] for i in range(2, 6)}
    return space.validate({"normal": nodes, "reduce": rest})


def test_it_has_the_size_of_the_paper():
    assert SPACE.size == search_spaces.get("darts").size == (180 * 7**8) ** 2


@pytest.mark.slow
def test_sizes_are_those_of_enumeration():
    small = search_spaces.get("darts", nodes=2, operations=("skip_connect", "sep_conv_3x3"))
    assert small.size == (2**2 * 3 * 2**2) ** 2 == len(set(small.enumerate()))
    # Nothing can be renumbered in such a cell but two nodes that both take the inputs: 16 cells are 10.
    assert len({made.id for made in small.enumerate()}) == (4 * 8 + 10) ** 2


@pytest.mark.slow
def test_it_keeps_every_promise_of_a_space():
    check_space(SPACE)
    for space in (SPACE, search_spaces.get("darts", nodes=3, operations=OPERATIONS[3:])):
        back = search_spaces.Space.from_spec(space.to_spec())
        assert isinstance(back, DartsSpace)
        assert (back.nodes, back.operations, back.to_spec()) == (space.nodes, space.operations, space.to_spec())
        made = back.sample(0)
        assert space.from_genotype(back.to_genotype(made)).id == made.id


def test_renumbered_nodes_share_an_id():
    sep, dil, skip, pool = "sep_conv_3x3", "dil_conv_3x3", "skip_connect", "max_pool_3x3"
    one = [{0: sep, 1: sep}, {0: skip, 1: dil}, {2: pool, 3: skip}, {1: dil, 3: sep}]
    swapped = [{0: skip, 1: dil}, {0: sep, 1: sep}, {2: skip, 3: pool}, {1: dil, 2: sep}]
    later = [{0: sep, 1: sep}, {0: skip, 1: dil}, {1: dil, 3: sep}, {2: pool, 3: skip}]
    assert len({_member(cell).id for cell in (one, swapped, later)}) == 1


def test_near_misses_do_not():
    sep, skip = "sep_conv_3x3", "skip_connect"
    equal = {0: sep, 1: sep}
    cells = [
        [equal, equal, {0: skip, 2: sep}, {0: skip, 3: sep}],  # two equal nodes used once each
        [equal, equal, {0: skip, 2: sep}, {0: skip, 2: sep}],  # one of them used twice
        [equal, equal, {0: skip, 2: sep}, {1: skip, 3: sep}],  # the inputs are not the same
        [equal, equal, {0: sep, 2: skip}, {0: skip, 3: sep}],
        [equal, equal, {2: skip, 3: sep}, {0: skip, 2: sep}],
        [equal, equal, {2: skip, 3: sep}, {0: skip, 3: sep}],
    ]
    assert len({_member(cell).id for cell in cells}) == len(cells)
    turned = [equal, equal, {0: skip, 3: sep}, {0: skip, 2: sep}]
    assert _member(turned).id == _member(cells[0]).id


def test_the_cells_are_told_apart():
    made = SPACE.sample(3)
    tree = made.tree
    assert SPACE.validate({"normal": tree["reduce"], "reduce": tree["normal"]}).id != made.id


@pytest.mark.slow
def test_ids_are_exactly_the_isomorphism_classes():
    """Against the smallest of all renumberings, over every cell of three nodes and two operations."""
    space = DartsSpace(3, ("skip_connect", "sep_conv_3x3"))
    rest = space.sample(0).tree["reduce"]
    cells = search_spaces.Space(space.declared["normal"])
    assert cells.size == 4 * 12 * 24
    ids, smallest = {}, {}
    for made in cells.enumerate():
        member = space.validate({"normal": made.tree, "reduce": rest})
        form = _smallest(space.cells(member)["normal"])
        assert ids.setdefault(form, member.id) == member.id
        assert smallest.setdefault(member.id, form) == form
    assert len(ids) < cells.size


def _smallest(cell):
    forms = []
    for order in permutations(range(2, 2 + len(cell))):
        new = {0: 0, 1: 1} | {old: index for index, old in enumerate(order, 2)}
        nodes = {new[i]: sorted((new[source], op) for op, source in node) for i, node in enumerate(cell, 2)}
        if all(source < i for i, node in nodes.items() for source, _ in node):
            forms.append(str([nodes[i] for i in sorted(nodes)]))
    return min(forms)


def test_graphs_have_operations_on_edges():
    normal, reduce = SPACE.graphs(SPACE.sample(0))
    assert (normal.name, reduce.name) == ("normal", "reduce")
    assert [vertex.kind for vertex in normal.vertices] == ["input"] * 2 + ["state"] * 4 + ["output"]
    assert len(normal.edges) == 8 + 4
    assert all(bool(edge.label) == (edge.target != "output") for edge in normal.edges)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"nodes": 0}, "nodes=0"),
        ({"nodes": 2.0}, "nodes=2.0"),
        ({"operations": ()}, "operations"),
        ({"operations": ("sep_conv_3x3", "sep_conv_3x3")}, "each once"),
        ({"operations": ("sep_conv_3x4",)}, "did you mean 'sep_conv_3x3'"),
        ({"operations": ("none",)}, "'none' is unknown"),
        ({"node": 3}, "did you mean 'nodes'"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings, said):
    with pytest.raises(SpaceError, match=said):
        search_spaces.get("darts", **settings)


def test_foreign_cells_are_refused_with_their_path():
    tree = SPACE.sample(0).tree
    tree["normal"]["node_3"] = [{"input_0": "sep_conv_3x3"}, {"input_1": "none"}]
    with pytest.raises(ArchitectureError, match="'none'") as caught:
        SPACE.to_genotype(tree)
    assert caught.value.path.startswith("normal.node_3")
