"""NAS-Bench-101: the official hash, the count of the paper, the official form."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import combinations, permutations, product
from typing import Any

import numpy as np
import pytest

import search_spaces
from search_spaces import ArchitectureError, SpaceError
from search_spaces.catalogue.nb101 import OPERATIONS, NB101Space
from search_spaces.catalogue.nb101_cells import cell_hash, connected_graphs, unique_cells, unlabelled_graphs
from search_spaces.testing import check_space

SPACE = NB101Space()
CONV3, CONV1, POOL = OPERATIONS

PUBLISHED = ("0100110 0010000 0001001 0000010 0000010 0000001 0000000", [CONV3, POOL, CONV3, CONV3, CONV1])
INCEPTION = ("0111010 0000001 0000001 0000100 0000001 0000001 0000000", [CONV1, CONV3, CONV3, CONV3, POOL])


def matrix_of(rows: str) -> list[list[int]]:
    return [[int(entry) for entry in row] for row in rows.split()]


def id_of(rows: str, *operations: str) -> str:
    return SPACE.from_matrix(matrix_of(rows), operations).id


def test_it_keeps_every_promise_of_a_space() -> None:
    check_space(SPACE, samples=8)
    check_space(NB101Space(vertices=4, max_edges=4), samples=4)


def test_settings_come_through_the_registry_and_the_spec() -> None:
    small = search_spaces.get("nb101", vertices=5, max_edges=6)
    assert isinstance(small, NB101Space)
    back = search_spaces.Space.from_spec(small.to_spec())
    assert isinstance(back, NB101Space)
    assert (back.vertices, back.max_edges, back.size) == (5, 6, small.size)
    assert isinstance(search_spaces.get("nb101"), NB101Space)
    assert (SPACE.vertices, SPACE.max_edges) == (7, 9)
    for settings in ({"vertices": 2}, {"vertices": "7"}, {"max_edges": 0}, {"max_edges": True}):
        with pytest.raises(SpaceError, match="whole number of at least"):
            search_spaces.get("nb101", **settings)


@pytest.mark.parametrize(("vertices", "max_edges"), [(3, 1), (3, 9), (4, 3), (4, 9), (5, 3)])
def test_the_size_is_that_of_the_enumeration(vertices: int, max_edges: int) -> None:
    space = NB101Space(vertices, max_edges)
    assert space.size == sum(1 for _ in space.enumerate())


@pytest.mark.parametrize(("vertices", "max_edges"), [(5, 9), (6, 5)])
def test_connected_graphs_are_counted_as_by_hand(vertices: int, max_edges: int) -> None:
    edges = list(combinations(range(vertices), 2))
    sets = (chosen for count in range(max_edges + 1) for chosen in combinations(edges, count))
    found = 0
    for chosen in sets:
        reached = {0}
        for source, target in sorted(chosen):
            if source in reached:
                reached.add(target)
        found += vertices - 1 in reached
    assert connected_graphs(vertices, max_edges) == found


def test_the_paper_s_space_has_its_size() -> None:
    assert SPACE.size == 573_494 * 3**5


# The official hash

Publication = tuple[str, list[str]]


@pytest.mark.parametrize(
    ("cell", "published"),
    [(PUBLISHED, "00005c142e6f48ac74fdcf73e3439874"), (INCEPTION, "28cfc7874f6d200472e1a9dcd8650aa0")],
)
def test_the_hash_is_the_published_one(cell: Publication, published: str) -> None:
    matrix, operations = matrix_of(cell[0]), cell[1]
    made = SPACE.from_matrix(matrix, operations)
    assert SPACE.hash(made) == published
    for order in list(permutations(range(1, 6)))[::7]:
        places = [0, *order, 6]
        moved = [[matrix[source][target] for target in places] for source in places]
        if any(moved[source][target] for source in range(7) for target in range(source)):
            continue
        other = SPACE.from_matrix(moved, [operations[place - 1] for place in order])
        assert (SPACE.hash(other), other.id) == (published, made.id)


def test_what_computes_the_same_shares_an_id() -> None:
    chain = id_of("010 001 000", CONV3)
    # A vertex that nothing enters, one that leads nowhere, and both at once; whatever they would do.
    assert id_of("0100 0001 0001 0000", CONV3, POOL) == chain
    assert id_of("0110 0001 0000 0000", CONV3, CONV1) == chain
    assert id_of("01100 00001 00000 00001 00000", CONV3, POOL, POOL) == chain
    # Two branches change places.
    assert id_of("0110 0001 0001 0000", CONV3, POOL) == id_of("0110 0001 0001 0000", POOL, CONV3)
    tree = {"edges": ["0_3", "3_6"], "operations": [POOL, POOL, CONV3, CONV1, CONV1]}
    assert SPACE.validate(tree).id == chain


def test_what_computes_something_else_does_not() -> None:
    cells = [
        id_of("01 00"),
        id_of("010 001 000", CONV3),
        id_of("010 001 000", CONV1),
        id_of("011 001 000", CONV3),
        id_of("0100 0010 0001 0000", CONV3, POOL),
        id_of("0100 0010 0001 0000", POOL, CONV3),
        id_of("0110 0001 0001 0000", CONV3, POOL),
        id_of("0110 0011 0001 0000", CONV3, POOL),
        id_of("0110 0011 0001 0000", POOL, CONV3),
    ]
    assert len(set(cells)) == len(cells)


# All cells


def by_brute_force(vertices: int) -> Iterator[object]:
    """The least relabelling of every cell with so many vertices, all on a path, and at most 9 edges."""
    pairs = list(combinations(range(vertices), 2))
    orders = [(0, *order, vertices - 1) for order in permutations(range(1, vertices - 1))]
    for flags in product((0, 1), repeat=len(pairs)):
        edges = [pair for pair, flag in zip(pairs, flags, strict=True) if flag]
        starts, ends = {source for source, _ in edges}, {target for _, target in edges}
        if len(edges) > 9 or len(starts) < vertices - 1 or len(ends) < vertices - 1:
            continue
        moved = [(order, sorted((order[source], order[target]) for source, target in edges)) for order in orders]
        for operations in product(range(3), repeat=vertices - 2):
            yield min(
                (tuple(graph), tuple(sorted(zip(order[1:-1], operations, strict=True)))) for order, graph in moved
            )


@pytest.mark.slow
def test_there_are_2532_cells_of_at_most_5_vertices() -> None:
    cells = list(unique_cells(vertices=5))
    assert Counter(len(cell.into) for cell in cells) == {2: 1, 3: 6, 4: 84, 5: 2_441}
    assert len({cell_hash(cell) for cell in cells}) == len(cells) == 2_532
    for vertices, count in ((3, 6), (4, 84), (5, 2_441)):
        assert len(set(by_brute_force(vertices))) == count


def test_unique_cells_stand_for_all_members() -> None:
    space = NB101Space(vertices=4, max_edges=5)
    unique = [made.id for made in space.unique_cells()]
    assert len(unique) == len(set(unique))
    assert set(unique) == {made.id for made in space.enumerate()}
    assert all(space.contains(made) for made in space.unique_cells())


@pytest.mark.slow
def test_there_are_423624_cells() -> None:
    found = Counter(len(cell.into) for cell in unique_cells())
    assert found == {2: 1, 3: 6, 4: 84, 5: 2_441, 6: 62_010, 7: 359_082}
    assert found.total() == 423_624
    hashes = [cell_hash(cell) for cell in unique_cells(vertices=6)]
    assert len(set(hashes)) == len(hashes)


# The official form


def test_the_official_form_comes_and_goes() -> None:
    rng = random.Random(0)
    for _ in range(50):
        made = SPACE.sample(rng)
        matrix, operations = SPACE.to_matrix(made)
        back = SPACE.from_matrix(matrix, operations)
        assert back.id == made.id
        assert SPACE.to_matrix(back) == (matrix, operations)
        assert SPACE.from_matrix(np.array(matrix, dtype=np.int8), np.array(operations)) == back
        assert SPACE.from_matrix(tuple(map(tuple, matrix)), operations[1:-1]) == back


def test_limits_hold_for_the_part_that_computes() -> None:
    padded = [[0, 1] + [0] * 7, *([0] * 9 for _ in range(7)), [0] * 9]
    padded[1][8] = 1
    made = SPACE.from_matrix(padded, [CONV1] + [POOL] * 6)
    assert SPACE.to_matrix(made) == ([[0, 1, 0], [0, 0, 1], [0, 0, 0]], ["input", CONV1, "output"])


CHAIN_OF_8 = [[int(target == source + 1) for target in range(8)] for source in range(8)]
FULL_5 = [[int(target > source) for target in range(5)] for source in range(5)]
CHAIN = [[0, 1, 0], [0, 0, 1], [0, 0, 0]]


@pytest.mark.parametrize(
    ("matrix", "operations", "path", "said"),
    [
        (7, [], "matrix", "7 is not a square matrix"),
        ([[0]], [], "matrix", "at least 2 vertices"),
        ([[0, 1], 3], [], "matrix", "give a list of rows"),
        ([[0, 1], [0, 0, 0]], [], "matrix.1", "3 entries in one of 2 rows"),
        ([[0, 1, 0], [0, 0, 1], [1, 0, 0]], [CONV3], "matrix.2.0", "upper triangular"),
        ([[0, 1, 0], [0, 1, 1], [0, 0, 0]], [CONV3], "matrix.1.1", "upper triangular"),
        ([[0, 2], [0, 0]], [], "matrix.0.1", "2 is neither 0 nor 1"),
        ([[0, 1, 0], [0, 0, 0], [0, 0, 0]], [CONV3], "matrix", "no path"),
        (CHAIN_OF_8, [CONV3] * 6, "matrix", "8 vertices lie on paths .* up to 7"),
        (FULL_5, [CONV3] * 3, "matrix", "10 edges lie on paths .* up to 9"),
        (CHAIN, [], "operations", "does not name 1 inner vertices"),
        (CHAIN, CONV3, "operations", "does not name 1 inner vertices"),
        (CHAIN, ["conv3x3-bn-rlu"], "operations.0", f"did you mean '{CONV3}'"),
        (CHAIN, ["input", "pool", "output"], "operations.1", "allowed: conv3x3-bn-relu"),
        (CHAIN, [CONV3, CONV3, "output"], "operations.0", "found where 'input' is required"),
        (CHAIN, ["input", CONV3, CONV3], "operations.2", "found where 'output' is required"),
    ],
)
def test_a_malformed_form_says_where_it_breaks(matrix: Any, operations: Any, path: str, said: str) -> None:
    with pytest.raises(ArchitectureError, match=said) as caught:
        SPACE.from_matrix(matrix, operations)
    assert caught.value.path == path


METHODS: list[Callable[[object], object]] = [SPACE.to_matrix, SPACE.hash, SPACE.graphs]


@pytest.mark.parametrize("method", METHODS)
def test_a_foreign_cell_is_refused(method: Callable[[object], object]) -> None:
    with pytest.raises(ArchitectureError) as caught:
        method({"edges": ["0_6"], "operations": [CONV3] * 4 + ["conv"]})
    assert caught.value.path == "operations.4"
    with pytest.raises(ArchitectureError, match="connected"):
        method({"edges": ["0_1"], "operations": [CONV3] * 5})


def test_the_graph_is_the_part_that_computes() -> None:
    made = SPACE.from_matrix(matrix_of("01100 00011 00000 00001 00000"), [CONV3, CONV1, POOL])
    (graph,) = SPACE.graphs(made)
    assert [(vertex.name, vertex.label, vertex.kind) for vertex in graph.vertices] == [
        ("input", "input", "input"),
        ("vertex_1", CONV3, "operation"),
        ("vertex_2", POOL, "operation"),
        ("output", "output", "output"),
    ]
    assert [(edge.source, edge.target) for edge in graph.edges] == [
        ("input", "vertex_1"),
        ("vertex_1", "vertex_2"),
        ("vertex_1", "output"),
        ("vertex_2", "output"),
    ]


def test_an_unlabelled_graph_comes_with_its_automorphisms_but_identity() -> None:
    """Of four vertices: a path, two with a skip, one with both, two operations side by side, and those with more."""
    found = dict(unlabelled_graphs(4, 9))
    assert found[0, 1, 2, 4] == []
    assert found[0, 1, 1, 6] == [(1, 0)]
    assert {len(automorphisms) for automorphisms in found.values()} == {0, 1}
    assert max(dict(unlabelled_graphs(5, 6)).values(), key=len) == [
        (0, 2, 1),
        (1, 0, 2),
        (1, 2, 0),
        (2, 0, 1),
        (2, 1, 0),
    ]
