"""Where boxes, columns and legends stand: rows are found, crossings taken away, long graphs cut, texts kept apart."""

from __future__ import annotations

import itertools
import random

import pytest

from search_spaces import get
from search_spaces.drawing.crossings import _swap, _ties, crossings, order
from search_spaces.drawing.folding import TALLEST, folded
from search_spaces.drawing.layers import Item, layered
from search_spaces.drawing.scene import SWATCH, Side, composed
from search_spaces.drawing.spine import spine
from search_spaces.drawing.text import SIZE, text_width
from search_spaces.graphs.graph import Edge, Graph, Vertex


def graph(names: str, *edges: str) -> Graph:
    return Graph("g", tuple(Vertex(name, name, "state") for name in names), tuple(Edge(*edge) for edge in edges))


@pytest.mark.parametrize(
    ("names", "edges", "row"),
    [
        ("abc", ("ab", "bc", "ac"), "abc"),
        ("abcd", ("ab", "bc", "cd", "ad"), "abcd"),
        ("abcd", ("ab", "ac", "bd", "cd"), ""),  # two side by side
        ("abcd", ("ab", "cd", "ad"), ""),  # one after the other, and no edge between
        ("abc", ("ab", "ac"), ""),
        ("abcd", ("ab", "bc", "ad"), ""),
        ("abc", ("ab", "acx"), ""),  # the label stands where b does, and c below
    ],
)
def test_a_row_goes_through_all_boxes_by_edges_or_there_is_none(names: str, edges: tuple[str, ...], row: str) -> None:
    found = [item.vertex for item in spine(layered(graph(names, *edges))) if item.vertex is not None]
    assert "".join(names[place] for place in found) == row


def test_neighbours_that_cross_change_places() -> None:
    above, below = ([Item(layer, 10, 10, ("x",), place, None) for place in range(3)] for layer in range(2))
    # The first and the second of the lower row are tied to the second and the first of the upper one.
    ties = {below[0]: [above[1]], below[1]: [above[0]], below[2]: [above[2]]}
    back = {above[0]: [below[1]], above[1]: [below[0]], above[2]: [below[2]]}
    layers = [list(above), list(below)]
    _swap(layers, ties, back)
    places = [{item: place for place, item in enumerate(layer)} for layer in layers]
    pairs = sorted((places[0][ties[item][0]], places[1][item]) for item in below)
    assert pairs == [(0, 0), (1, 1), (2, 2)]


def test_drawings_of_random_graphs_have_no_more_crossings_than_they_had() -> None:
    """Without random starts they have 156, with one less 122."""
    total = 0
    for seed in range(60):
        pairs = random.Random(seed).sample(list(itertools.combinations("abcdefghi", 2)), 14)
        drawing = layered(graph("abcdefghi", *(one + other for one, other in sorted(pairs))))
        order(drawing)
        total += crossings(drawing.layers, _ties(drawing)[1])
    assert total <= 120


@pytest.mark.parametrize(("count", "columns"), [(1, 1), (TALLEST, 1), (TALLEST + 1, 2), (3 * TALLEST, 5)])
def test_a_graph_that_is_too_tall_is_cut_into_equal_columns(count: int, columns: int) -> None:
    vertices = tuple(Vertex(f"v{place}", "op", "operation") for place in range(count))
    edges = tuple(Edge(one.name, other.name) for one, other in itertools.pairwise(vertices))
    parts, between = folded(Graph("g", vertices, edges))
    assert (len(parts), len(between)) == (columns, columns - 1)
    assert [vertex for part in parts for vertex in part.vertices] == list(vertices)
    sizes = [len(part.vertices) for part in parts]
    assert max(sizes) - min(sizes) <= 1


def test_the_entries_of_a_legend_stand_apart() -> None:
    space = get("darts")
    scene = composed([Side("one", "one", space.graphs(space.sample(0)))])
    assert len(scene.legend) > 2
    for one, other in itertools.pairwise(scene.legend):
        if one.y == other.y:
            assert other.x - (one.x + SWATCH + 8 + text_width(one.text, SIZE - 1)) > 19, (
                "text ends before the next begins"
            )
        else:
            assert other.y > one.y


def test_titles_of_graphs_have_a_line_of_their_own_below_the_heading() -> None:
    found = [get(name).graphs(get(name).sample(0)) for name in ("darts", "nb201")]
    two, one = (composed([Side(graphs[0].name, "A", graphs)]) for graphs in found)
    heading, *titles = two.texts
    assert len(titles) == 2
    assert all(title.y - heading.y > 1.5 * SIZE for title in titles)
    assert len(one.texts) == 1
    assert one.panels[0].y < two.panels[0].y, "no line is kept free without titles"


def test_columns_of_a_comparison_stand_beside_each_other() -> None:
    one, other = (get("nb201").sample(seed) for seed in (0, 1))
    scene = composed([Side(name, name, get("nb201").graphs(made)) for name, made in (("A", one), ("B", other))])
    left, right = scene.panels
    assert right.x >= left.x + left.placed.width
