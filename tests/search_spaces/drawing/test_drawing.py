"""Pictures: nothing overlaps, whatever the family; text is escaped; what differs is marked."""

from __future__ import annotations

import itertools
import math
import random
import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

import search_spaces
from search_spaces import Architecture, ArchitectureError, Space, SpaceError, choice, draw, integer, repeat, subset
from search_spaces.drawing import scene
from search_spaces.drawing.layout import Placed, graph_layout
from search_spaces.drawing.scene import Side, composed
from search_spaces.drawing.svg import svg
from search_spaces.graphs.graph import Edge, Graph, Vertex

NB201 = search_spaces.get("nb201")
SVG = "{http://www.w3.org/2000/svg}"
Rectangle = tuple[float, float, float, float]
ADVANCES = (
    {"m": 0.974, "w": 0.818, "M": 0.863, "W": 0.989} | dict.fromkeys("ijl", 0.278) | dict.fromkeys(" ,.:tfr", 0.4)
)


def _rectangle(element: ElementTree.Element) -> Rectangle:
    x, y, width, height = (float(element.get(key, 0)) for key in ("x", "y", "width", "height"))
    return x, y, x + width, y + height


def _text_rectangle(element: ElementTree.Element) -> Rectangle:
    """By the advances of DejaVu Sans, a wide font."""
    size = float(element.get("font-size", 13))
    letters = sum(ADVANCES.get(letter, 0.636) for letter in element.text or "")
    width = size * letters * (1.08 if element.get("font-weight") else 1.0)
    left = float(element.get("x", 0)) - (width / 2 if element.get("text-anchor") == "middle" else 0.0)
    base = float(element.get("y", 0))
    return left, base - 0.75 * size, left + width, base + 0.2 * size


def _overlapping(rectangles: list[Rectangle]) -> list[tuple[Rectangle, Rectangle]]:
    left, top, right, bottom = np.array(rectangles).T
    over = (left[:, None] < right) & (left < right[:, None]) & (top[:, None] < bottom) & (top < bottom[:, None])
    return [(rectangles[i], rectangles[j]) for i, j in np.argwhere(np.triu(over, 1))]


def _check_svg(text: str) -> None:
    """No two boxes, labels, texts or marks overlap, each text is inside its box, and all is inside the picture."""
    root = ElementTree.fromstring(text)
    whole = (0.0, 0.0, float(root.get("width", 0)), float(root.get("height", 0)))
    boxes = [e for e in root.iter(f"{SVG}rect") if e.get("class") in ("vertex", "label", "legend")]
    inside = [text for group in root.iter(f"{SVG}g") for text in group.iter(f"{SVG}text")]
    free = [e for e in root.iter(f"{SVG}text") if e not in inside]
    apart = [*map(_rectangle, boxes), *map(_text_rectangle, free)]
    assert not _overlapping(apart), text
    for each in apart:
        assert whole[0] < each[0] < each[2] < whole[2], text
        assert whole[1] < each[1] < each[3] < whole[3], text
    for group in root.iter(f"{SVG}g"):
        box = _rectangle(next(e for e in group.iter(f"{SVG}rect") if e.get("class") in ("vertex", "label")))
        for element in group.iter(f"{SVG}text"):
            left, top, right, bottom = _text_rectangle(element)
            assert box[0] < left < right < box[2], element.text
            assert box[1] < top < bottom < box[3], element.text


STEPS = np.linspace(0, 1, 7)
BERNSTEIN = {
    n: np.array([math.comb(n, k) * STEPS**k * (1 - STEPS) ** (n - k) for k in range(n + 1)]).T for n in (1, 2, 3)
}


def _points(path: str) -> np.ndarray:
    """Points along an SVG path of the commands M, L, C and Q."""
    found: list[np.ndarray] = []
    for numbers in re.split("[MLCQ]", path)[1:]:
        points = np.array(numbers.split(), float).reshape(-1, 2)
        if found:
            points = np.concatenate((found[-1][-1:], points))
            points = BERNSTEIN[len(points) - 1] @ points
        found.append(points)
    return np.concatenate(found)


def _check_lines(placed: Placed) -> None:
    """A line meets no box but its own ends and its own label."""
    boxes = placed.boxes
    left, top, width, height = np.array([(box.x, box.y, box.width, box.height) for box in boxes]).T
    for line in placed.lines:
        own = (line.edge.source, line.edge.target)
        strange = np.array([box.vertex not in own and box.edge != line.edge for box in boxes])
        x, y = _points(line.path).T[:, :, None]
        held = (left < x) & (x < left + width) & (top < y) & (y < top + height)
        assert not held[:, strange].any(), line


@pytest.mark.parametrize("count", [5, pytest.param(20, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", search_spaces.names())
def test_nothing_overlaps_in_pictures_of_members(name: str, count: int) -> None:
    space = search_spaces.get(name)
    rng = random.Random(0)
    for _ in range(count):
        scene = composed([Side(name, name, space.graphs(space.sample(rng)))])
        _check_svg(svg(scene, name))
        for panel in scene.panels:
            _check_lines(panel.placed)


@pytest.mark.parametrize("name", ["darts", "nb201", "mobilenetv3", "chain"])
def test_nothing_overlaps_side_by_side(name: str) -> None:
    space = search_spaces.get(name)
    one = space.sample(0)
    for other in (one, space.mutate(one, 0), space.sample(1)):
        _check_svg(draw(one, other).svg())


def test_an_edge_that_passes_boxes_keeps_clear_of_them() -> None:
    names = ("a", "b", "c", "d", "e")
    for kinds in itertools.product(("", "a_very_long_operation_7x7"), repeat=3):
        edges = [Edge(one, other, kinds[0]) for one, other in itertools.pairwise(names)]
        edges += [Edge("a", "d", kinds[1]), Edge("a", "e", kinds[2]), Edge("b", "e"), Edge("a", "d", "other")]
        placed = graph_layout(Graph("g", tuple(Vertex(name, name, "state") for name in names), tuple(edges)))
        _check_lines(placed)
        assert len(placed.lines) == len(edges)
        assert sum(box.edge is not None for box in placed.boxes) == sum(bool(edge.label) for edge in edges)


def test_a_long_chain_is_folded_and_reads_from_top_to_bottom() -> None:
    space = Space({"layers": repeat({"op": choice("conv", "pool"), "width": integer(8, 64)}, 20, 20)}, name="long")
    (graph,) = space.graphs(space.sample(0))
    placed = graph_layout(graph)
    assert placed.height < 600
    assert len({round(box.x + box.width / 2) for box in placed.boxes}) == 3
    tops = [placed.box_of(vertex.name).y for vertex in graph.vertices]
    assert sum(one > other for one, other in itertools.pairwise(tops)) == 2
    _check_lines(placed)
    _check_svg(draw(space.sample(0)).svg())


def test_nb201_has_its_nodes_upright_and_says_every_operation() -> None:
    made = NB201.from_string("|nor_conv_3x3~0|+|none~0|skip_connect~1|+|avg_pool_3x3~0|nor_conv_1x1~1|skip_connect~2|")
    placed = graph_layout(NB201.graphs(made)[0])
    assert len({round(placed.box_of(name).x + placed.box_of(name).width / 2) for name in "0123"}) == 1
    text = draw(made).svg()
    for operation, count in {"nor_conv_3x3": 1, "none": 1, "skip_connect": 2, "avg_pool_3x3": 1}.items():
        assert text.count(f">{operation}</text>") == count


def test_two_architectures_show_what_differs() -> None:
    one = NB201.sample(0)
    tree = dict(one.items())
    other = NB201.validate({**tree, "edge_0_3": "none" if tree["edge_0_3"] != "none" else "skip_connect"})
    text = draw(one, other).svg()
    assert text.count('class="mark changed"') == 2 + 1  # each side, and the legend
    assert "A: nb201" in text
    assert "B: nb201" in text
    assert "nothing differs" in draw(one, one).svg()
    assert draw(one, other).mermaid().count("==>") == 2
    assert draw(one, other).dot().count("penwidth=3") == 2


def test_what_one_side_lacks_is_marked_as_such() -> None:
    space = Space({"layers": repeat({"op": choice("conv", "pool")}, 1, 3)}, name="short")
    short, long = space.validate({"layers": [{"op": "conv"}]}), space.validate({"layers": [{"op": "conv"}] * 2})
    text = draw(short, long).svg()
    assert text.count('class="mark only"') == 2
    assert 'class="mark changed"' not in text


def test_text_is_escaped_everywhere() -> None:
    evil = '<script>alert("x")</script>&]]>\x00\n"--> end\\'
    space = Space({"op": choice(evil, "plain")}, name="evil")
    picture = draw(space.validate({"op": evil}))
    root = ElementTree.fromstring(picture.svg())
    assert not list(root.iter("script"))
    assert "<script" not in picture.svg()
    assert "<script" not in picture.mermaid()
    assert '\\"x\\"' in picture.dot()
    assert picture.dot().count("\n") == draw(space.validate({"op": "plain"})).dot().count("\n")


def test_the_same_architecture_gives_the_same_bytes() -> None:
    for name in ("darts", "chain"):
        first, again = (draw(search_spaces.get(name).sample(3)).svg() for _ in range(2))
        assert first == again


def test_a_picture_is_saved_by_its_suffix(tmp_path: Path) -> None:
    picture = draw(NB201.sample(0))
    assert picture.save(tmp_path / "a.svg").read_text().startswith("<svg")
    assert picture.save(str(tmp_path / "a.mmd")).read_text().startswith("flowchart TB")
    assert picture.save(tmp_path / "a.dot").read_text().startswith("digraph")
    assert picture._repr_svg_() == picture.svg()
    with pytest.raises(SpaceError, match=r"'a.png'.*\.svg, \.mmd, \.dot"):
        picture.save(tmp_path / "a.png")


def test_an_unbound_architecture_needs_its_space() -> None:
    made = NB201.sample(0)
    loose = Architecture.from_json(made.to_json())
    with pytest.raises(ArchitectureError, match="space="):
        draw(loose)
    assert draw(loose, space=NB201).svg() == draw(made).svg()
    assert draw(made.tree, space=NB201).svg() == draw(made).svg()
    with pytest.raises(ArchitectureError, match="edge_0_1"):
        draw({"edge_0_1": "conv"}, space=NB201)


def test_a_users_tree_is_a_chain_with_readable_labels() -> None:
    space = Space(
        {
            "depth": integer(1, 4),
            "stem": {"kernel": choice(3, 5), "norm": choice(True, False)},
            "layers": repeat(
                {"op": choice({"conv": {"kernel": choice(3, 5)}, "pool": {}}), "width": choice(8, 16)}, 1, 3
            ),
            "extras": subset(["cutout", "mixup", "jitter"], 2),
        },
        name="mine",
    )
    tree = {
        "depth": 3,
        "stem": {"kernel": 5, "norm": False},
        "layers": [{"op": {"conv": {"kernel": 3}}, "width": 16}, {"op": {"pool": {}}, "width": 8}],
        "extras": ["cutout", "jitter"],
    }
    (graph,) = space.graphs(space.validate(tree))
    labels = ["input", "depth 3, extras cutout, jitter", "stem kernel 5, no norm"]
    assert [vertex.label for vertex in graph.vertices] == [
        *labels,
        "conv kernel 3, width 16",
        "pool, width 8",
        "output",
    ]
    assert [vertex.name for vertex in graph.vertices][2:5] == ["stem", "layers.0", "layers.1"]
    assert len(graph.edges) == len(graph.vertices) - 1


@pytest.mark.parametrize("tree", [choice("a", "b"), [choice(1, 2), choice(3, 4)], {"a": {"b": {"c": choice(1, 2)}}}])
def test_any_tree_can_be_drawn(tree: object) -> None:
    _check_svg(draw(Space(tree).sample(0)).svg())


def test_many_decisions_side_by_side_are_a_block_each() -> None:
    space = Space({f"layer_{i}": choice("conv", "pool") for i in range(9)} | {"inner": {"op": choice("a", "b")}})
    member = space.sample(0)
    (graph,) = space.graphs(member)
    assert [vertex.name for vertex in graph.vertices[1:-1]] == [*space.declared]
    assert graph.vertices[1].label == f"layer_0 {member['layer_0']}"


def test_a_box_of_many_lines_is_as_wide_as_its_text() -> None:
    label = ", ".join(f"decision_{index} 3" for index in range(8))
    box = graph_layout(Graph("g", (Vertex("v", label, "operation"),), ())).boxes[0]
    assert len(box.lines) == 8
    assert box.width < box.height


def test_chain_shows_its_connections() -> None:
    chain = search_spaces.get("chain")
    layers = [
        {"op": "conv_3x3", "channels": 64, "stride": 2, "connection": "parallel"},
        {"op": "zero", "channels": 64, "stride": 1, "connection": "parallel"},
        {"op": "identity", "channels": 64, "stride": 1, "connection": "dense"},
    ]
    (graph,) = chain.graphs({"layers": layers})
    ends = {(edge.source, edge.target) for edge in graph.edges}
    assert [vertex.label for vertex in graph.vertices][2:6] == ["conv_3x3 64 /2", "zero", "+", "identity"]
    assert ("stem", "layers.0") in ends  # the first is in series
    assert {("stem", "layers.1"), ("layers.0", "layers.1.+"), ("layers.1", "layers.1.+")} < ends
    assert {("layers.1.+", "layers.2"), ("layers.1.+", "layers.2.concat"), ("layers.2.concat", "output")} < ends


@pytest.mark.parametrize(
    ("vertices", "edges", "said"),
    [("aa", (), "share a name"), ("ab", (Edge("b", "a"),), "topological order"), ("a", (Edge("a", "b"),), "'b'")],
)
def test_a_graph_that_is_none_is_refused(vertices: str, edges: tuple[Edge, ...], said: str) -> None:
    graph = Graph("g", tuple(Vertex(name, name, "state") for name in vertices), edges)
    with pytest.raises(SpaceError, match=said):
        graph_layout(graph)


def test_graphs_that_are_just_as_wide_as_allowed_stand_side_by_side(monkeypatch):
    side = Side("darts", "", search_spaces.get("darts").graphs(search_spaces.get("darts").sample(0)))
    wide = sum(graph_layout(graph).width + scene.APART for graph in side.graphs)
    for widest, rows in ((wide, 1), (wide - 0.5, 2)):
        monkeypatch.setattr(scene, "WIDEST", widest)
        assert len(scene._single(side)) == rows
