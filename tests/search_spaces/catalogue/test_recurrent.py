"""Recurrent cells of DARTS and ENAS: sizes, genotypes, isomorphic cells."""

from __future__ import annotations

import math
import random
from collections import namedtuple

import pytest

import search_spaces
from search_spaces import ArchitectureError, Space, SpaceError
from search_spaces.catalogue.recurrent import RecurrentSpace
from search_spaces.testing import check_space

DARTS = search_spaces.get("recurrent")
ENAS = search_spaces.get("enas_recurrent")
V1 = (
    "Genotype(recurrent=[('relu', 0), ('relu', 1), ('tanh', 2), ('relu', 3), ('relu', 4), ('identity', 1), "
    "('relu', 5), ('relu', 1)], concat=range(1, 9))"
)
V2 = (
    "Genotype(recurrent=[('sigmoid', 0), ('relu', 1), ('relu', 1), ('identity', 1), ('tanh', 2), ('sigmoid', 5), "
    "('tanh', 3), ('relu', 5)], concat=range(1, 9))"
)
ENAS_GENOTYPE = (
    "Genotype(recurrent=[('tanh', 0), ('tanh', 1), ('relu', 1), ('tanh', 3), ('tanh', 3), ('relu', 3), ('relu', 4), "
    "('relu', 7), ('relu', 8), ('relu', 8), ('relu', 8)], concat=[2, 5, 6, 9, 10, 11])"
)
ENAS_SEQUENCE = "0 0 0 1 1 2 1 2 0 2 0 5 1 1 0 6 1 8 1 8 1 8 1"


def cell(*nodes: tuple[str, int]) -> dict[str, dict[str, object]]:
    return {f"node_{i}": {"input": source, "activation": name} for i, (name, source) in enumerate(nodes, 1)}


def ids(name: str, *cells: dict[str, dict[str, object]]) -> list[str]:
    count = len(cells[0])
    space = search_spaces.get(name, nodes=count)
    return [space.validate(made).id for made in cells]


def test_sizes_are_those_of_the_papers() -> None:
    assert DARTS.size == math.factorial(8) * 4**8
    assert ENAS.size == 4**12 * math.factorial(11)  # ENAS: "approximately 10^15"


def test_a_reduced_cell_is_enumerated_and_has_188_unique_members() -> None:
    # Forests of 3 nodes in 4 colours: 64 + 40 with one root, 4 * 16 with two, 20 with three.
    made = list(search_spaces.get("recurrent", nodes=3).enumerate())
    assert search_spaces.get("recurrent", nodes=3).size == len(made) == 6 * 4**3
    assert len({member.id for member in made}) == 188


def test_reduced_enas_cells_have_a_root_more() -> None:
    space = search_spaces.get("enas_recurrent", nodes=4, activations=("tanh", "relu"))
    made = list(space.enumerate())
    assert space.size == len(made) == 2**4 * 6
    # Forests of 3 nodes in 2 colours: 8 + 6 with one root, 2 * 4 with two, 4 with three; and the root has 2.
    assert len({member.id for member in made}) == 2 * 26


@pytest.mark.parametrize("space", [DARTS, ENAS, search_spaces.get("recurrent", nodes=2, activations=["relu"])])
def test_they_keep_every_promise_of_a_space(space: RecurrentSpace) -> None:
    check_space(space, samples=6)
    again = Space.from_spec(space.to_spec())
    assert type(again) is type(space)
    assert again.to_spec() == space.to_spec()
    assert again.graphs(again.sample(0)) == space.graphs(space.sample(0))


def test_nodes_in_another_order_are_the_same_cell() -> None:
    first = cell(("relu", 0), ("tanh", 0), ("sigmoid", 1))
    swapped = cell(("tanh", 0), ("relu", 0), ("sigmoid", 2))
    late = cell(("relu", 0), ("sigmoid", 1), ("tanh", 0))
    assert len(set(ids("recurrent", first, swapped, late))) == 1


def test_near_misses_are_other_cells() -> None:
    cells = [
        cell(("relu", 0), ("tanh", 0), ("sigmoid", 1)),
        cell(("relu", 0), ("tanh", 0), ("sigmoid", 2)),
        cell(("relu", 0), ("tanh", 0), ("sigmoid", 0)),
        cell(("relu", 0), ("tanh", 1), ("sigmoid", 1)),
        cell(("relu", 0), ("tanh", 1), ("sigmoid", 2)),
        cell(("tanh", 0), ("relu", 1), ("sigmoid", 1)),
        cell(("identity", 0), ("tanh", 0), ("sigmoid", 1)),
    ]
    assert len(set(ids("recurrent", *cells))) == len(cells)


def test_the_activation_of_node_0_makes_another_enas_cell() -> None:
    tree = ENAS.from_sequence(ENAS_SEQUENCE).tree
    other = {**tree, "node_0": {"activation": "relu"}}
    assert ENAS.validate(other).id != ENAS.validate(tree).id


@pytest.mark.parametrize("text", [V1, V2])
def test_genotypes_come_and_go(text: str) -> None:
    made = DARTS.from_genotype(text)
    assert DARTS.to_genotype(made) == text
    assert DARTS.from_genotype(f"DARTS = {text}  # published") == made
    listed = text.replace("range(1, 9)", "[1, 2, 3, 4, 5, 6, 7, 8]")
    assert DARTS.from_genotype(listed) == made
    genotype = namedtuple("genotype", "recurrent concat")
    assert DARTS.from_genotype(genotype(DARTS.nodes_of(made), range(1, 9))) == made


def test_v1_says_what_its_nodes_do() -> None:
    made = DARTS.from_genotype(V1)
    assert made["node_6"] == {"input": 1, "activation": "identity"}
    assert DARTS.from_genotype(V1).id != DARTS.from_genotype(V2).id


def test_random_members_come_back_from_their_genotypes() -> None:
    rng = random.Random(0)
    for _ in range(30):
        made = DARTS.sample(rng)
        assert DARTS.from_genotype(DARTS.to_genotype(made)) == made
        enas = ENAS.sample(rng)
        assert ENAS.from_sequence(ENAS.to_sequence(enas)) == enas


def test_enas_published_cell_is_one_in_both_notations() -> None:
    made = ENAS.from_genotype(ENAS_GENOTYPE)
    assert ENAS.to_genotype(made) == ENAS_GENOTYPE
    published = ENAS.from_sequence(ENAS_SEQUENCE)
    assert ENAS.to_sequence(published) == ENAS_SEQUENCE
    assert published != made
    assert published.id == made.id
    assert ENAS.from_sequence([int(number) for number in ENAS_SEQUENCE.split()]) == published


def test_a_genotype_cannot_say_a_first_activation_but_tanh() -> None:
    made = ENAS.from_sequence("1" + ENAS_SEQUENCE[1:])
    with pytest.raises(ArchitectureError, match="to_sequence") as caught:
        ENAS.to_genotype(made)
    assert caught.value.path == "node_0.activation"


@pytest.mark.parametrize(
    ("text", "path", "said"),
    [
        ("", "", "empty"),
        (V1[:-1], "", "line 1, column"),
        (V1.replace("range(1, 9)", "range(0, 8)"), "concat", r"averages \[1, 2, 3, 4, 5, 6, 7, 8\]"),
        (V1.replace(", concat=range(1, 9)", ""), "concat", "no field 'concat'"),
        (V1.replace("recurrent=", "recurent="), "recurent", "did you mean 'recurrent'"),
        (V1.replace("('tanh', 2)", "('tanh', 3)"), "recurrent[2]", "node 3 cannot take 3 as input; allowed: 0, 1, 2"),
        (V1.replace("('tanh', 2)", "('tanh', -1)"), "recurrent[2]", "cannot take -1"),
        (V1.replace("('tanh', 2)", "('tahn', 2)"), "recurrent[2]", "did you mean 'tanh'"),
        (V1.replace("('tanh', 2)", "('none', 2)"), "recurrent[2]", "supernets only"),
        (V1.replace("('tanh', 2)", "('tanh', 2, 1)"), "recurrent[2]", "not a node"),
        (V1.replace("('tanh', 2)", "('tanh', 2.0)"), "recurrent[2]", "not a whole number"),
        (V1.replace("('tanh', 2)", "print(2)"), "", "only strings, numbers"),
        (V1.replace("('tanh', 2), ", ""), "recurrent", "7 nodes, where this space has 8"),
        (ENAS_GENOTYPE, "recurrent", r"get\('enas_recurrent'\)"),
    ],
)
def test_a_malformed_genotype_says_where_it_breaks(text: str, path: str, said: str) -> None:
    with pytest.raises(ArchitectureError, match=said) as caught:
        DARTS.from_genotype(text)
    assert caught.value.path == path


@pytest.mark.parametrize(
    ("sequence", "said"),
    [
        (ENAS_SEQUENCE[:-2], "22 numbers; a cell of 12 nodes is 23"),
        ("4" + ENAS_SEQUENCE[1:], "'4', number 0 of the sequence, is not an activation: 0 to 3"),
        (ENAS_SEQUENCE.replace("0 5 1", "0 9 1"), "'9', number 11 of the sequence, is not an input: 0 to 5"),
        ([*map(int, ENAS_SEQUENCE.split()[:-1]), -1], "'-1', number 22"),
    ],
)
def test_a_malformed_sequence_says_where_it_breaks(sequence: str | list[int], said: str) -> None:
    with pytest.raises(ArchitectureError, match=said):
        ENAS.from_sequence(sequence)


def test_graphs_have_activations_on_edges() -> None:
    (graph,) = DARTS.graphs(DARTS.from_genotype(V1))
    edges = {(edge.source, edge.target): edge.label for edge in graph.edges}
    assert edges["1", "6"] == "identity"
    assert {source for source, target in edges if target == "output"} == {str(index) for index in range(1, 9)}
    (graph,) = ENAS.graphs(ENAS.from_genotype(ENAS_GENOTYPE))
    loose = [edge.source for edge in graph.edges if edge.target == "output"]
    assert loose == ["2", "5", "6", "9", "10", "11"]
    names = [vertex.name for vertex in graph.vertices]
    assert all(names.index(edge.source) < names.index(edge.target) for edge in graph.edges)


def test_bad_settings_are_refused() -> None:
    with pytest.raises(SpaceError, match="nodes=0"):
        search_spaces.get("recurrent", nodes=0)
    with pytest.raises(SpaceError, match="did you mean 'relu'"):
        search_spaces.get("enas_recurrent", activations=["rellu"])


@pytest.mark.parametrize("thing", [None, 3, {0: 1}])
def test_what_is_no_sequence_is_refused(thing):
    with pytest.raises(ArchitectureError, match="give the numbers of a cell, as text or as a list"):
        search_spaces.get("enas_recurrent").from_sequence(thing)
