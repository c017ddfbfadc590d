"""`detector`: networks that find boxes in images: a backbone, a pyramid of its features, and a head.

    {"backbone": {"stem": 16, "stages": [{"blocks": 1, "width": 48, "block": "res_3x3"}, ..]},
     "pyramid": {"width": 48, "merging": {"fpn": {}}},
     "head": {"anchor_free": {"centerness": true, "towers": {"depth": 2, "convolution": "conv_3x3", "shared": true}}}}

The stem divides the image by four, and each of two or three stages by two again, so that levels of strides 8, 16 and 32
are looked at. The blocks are residual ones, inverted residuals of MobileNetV2 (Sandler et al. 2018, 1801.04381) and
those of ShuffleNetV2 with kernels of 3, 5 and 7 or three depthwise convolutions (Guo et al. 2020, 1904.00420).

The pyramid merges levels from coarse to fine (`fpn`, Lin et al. 2017, 1612.03144), back again (`pan`, Liu et al. 2018,
1803.01534), as decided (`nas_fpn`, Ghiasi et al. 2019, 1904.07392), or not at all. A cell of `nas_fpn` brings two
different earlier features to the size of a level and merges them. Its decisions count features round: 7 is the second
of five. Features that no cell takes are added to the last one of their level.

The head has no anchors (FCOS, Tian et al. 2019, 1904.01355), anchors (RetinaNet, Lin et al. 2017, 1708.02002) or two
stages (Faster R-CNN, Ren et al. 2015, 1506.01497). With `backbone="nb201"` the networks of that space are the backbone.

Members that differ in decisions without effect share an id: where towers have no layers, which ones they would have;
which of two equal descriptions of a merging cell is given.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from search_spaces.architecture import Architecture, Json
from search_spaces.catalogue.settings import check_names, check_numbers, check_range
from search_spaces.errors import SpaceError
from search_spaces.graphs.graph import Edge, Graph, Vertex
from search_spaces.graphs.outline import chain_graph
from search_spaces.names import did_you_mean
from search_spaces.parameters import Const, choice, const, integer, repeat
from search_spaces.space import Space

__all__ = [
    "BLOCKS",
    "CONVOLUTIONS",
    "HEADS",
    "LEVELS",
    "MERGES",
    "PYRAMIDS",
    "DetectorSpace",
    "Merge",
    "backbone_of",
    "canonical",
    "merges",
    "space",
    "unused",
]

STEMS = (8, 16, 24)
BLOCKS = (
    "res_3x3",
    "res_5x5",
    "mb3_3x3",
    "mb3_5x5",
    "shuffle_3x3",
    "shuffle_5x5",
    "shuffle_7x7",
    "shuffle_xception",
)
PYRAMIDS = ("none", "fpn", "pan", "nas_fpn")
HEADS = ("anchor_free", "anchors", "two_stage")
CONVOLUTIONS = ("conv_3x3", "separable_3x3", "conv_1x1")
MERGES = ("sum", "global_attention")
LEVELS = 3
"""The levels of networks whose backbone is of another space: strides 8, 16 and 32."""
_CELLS = (3, 7)
_STRIDE = 8


@dataclass(frozen=True, slots=True)
class Merge:
    """A merging cell of `nas_fpn`, resolved.

    Attributes:
        first: the number of its first input: levels from fine to coarse, then cells in their order.
        second: that of its second input.
        level: the level of its output, 0 for the finest.
        op: "sum", or "global_attention": the second input, weighted by what the first has anywhere, is added to it.
    """

    first: int
    second: int
    level: int
    op: str


def merges(cells: Sequence[Mapping[str, Any]], levels: int) -> list[Merge]:
    """Resolve the merging cells of `nas_fpn`.

    Args:
        cells: the decisions.
        levels: the number of levels.

    Returns:
        The cells, with inputs that exist and are different; the first cell of a single level has one input twice.
    """
    found: list[Merge] = []
    for cell in cells:
        count = levels + len(found)
        first = cell["first"] % count
        others = [number for number in range(count) if number != first] or [first]
        second = others[cell["second"] % len(others)]
        if cell["op"] == "sum" and second < first:
            first, second = second, first
        found.append(Merge(first, second, cell["level"] % levels, cell["op"]))
    return found


def unused(cells: Sequence[Merge], levels: int) -> dict[int, tuple[int, list[int]]]:
    """Find the outputs of a `nas_fpn`.

    Args:
        cells: the merging cells.
        levels: the number of levels.

    Returns:
        For each level the number of the feature that is its output, and those of the features of the level that no
        cell takes and that are added to it.
    """
    at = [*range(levels), *(cell.level for cell in cells)]
    taken = {number for cell in cells for number in (cell.first, cell.second)}
    found: dict[int, tuple[int, list[int]]] = {}
    for level in range(levels):
        mine = [number for number, its in enumerate(at) if its == level]
        found[level] = (mine[-1], [number for number in mine[:-1] if number not in taken])
    return found


def canonical(architecture: Architecture) -> Json:
    """Compute the canonical form.

    Args:
        architecture: a member of the space.

    Returns:
        The tree, with merging cells resolved, without the layers of towers that have none, and with the canonical form
        of a backbone of another space.
    """
    tree: Any = architecture._tree
    return {"backbone": _backbone(tree["backbone"]), "pyramid": _pyramid(tree), "head": _head(tree["head"])}


def _backbone(backbone: Any) -> Json:
    if "of" not in backbone:
        plain: Json = backbone
        return plain
    inner, network = _space_of(backbone["of"]), Architecture(backbone["network"])
    form: Any = network if inner.canonical is None else inner.canonical(network)
    return {"of": backbone["of"], "network": form._tree if isinstance(form, Architecture) else form}


def _pyramid(tree: Any) -> Json:
    pyramid = tree["pyramid"]
    ((kind, inside),) = pyramid["merging"].items()
    if kind != "nas_fpn":
        plain: Json = pyramid
        return plain
    cells: list[Json] = []
    for one in merges(inside["cells"], _levels(tree)):
        cells.append([one.first, one.second, one.level, one.op])
    return {"width": pyramid["width"], "nas_fpn": cells}


def _levels(tree: Any) -> int:
    return len(tree["backbone"]["stages"]) if "stages" in tree["backbone"] else LEVELS


def _head(head: Any) -> Json:
    ((kind, inside),) = head.items()
    towers = inside.get("towers")
    if towers is None or towers["depth"]:
        plain: Json = head
        return plain
    return {kind: {**inside, "towers": {"depth": 0, "shared": towers["shared"]}}}


def connected(architecture: Architecture) -> bool:
    """Check that a backbone of another space is a member of it.

    Args:
        architecture: a tree of this space.

    Returns:
        What the rule of that space says; True where it has none.
    """
    backbone: Any = architecture._tree
    backbone = backbone["backbone"]
    rule: Callable[[Architecture], bool] | None = _space_of(backbone["of"]).valid
    return rule is None or rule(Architecture(backbone["network"]))


def backbone_of(space: object) -> str | None:
    """Name the space whose networks are the backbones of a space of detectors.

    Args:
        space: any space.

    Returns:
        Its name; None where the space decides its backbones itself, or has none.
    """
    declared: Any = getattr(space, "declared", None)
    backbone = declared.get("backbone") if isinstance(declared, Mapping) else None
    of = backbone.get("of") if isinstance(backbone, Mapping) else None
    return str(of.value) if isinstance(of, Const) else None


class DetectorSpace(Space):
    """Networks that find boxes: a backbone, a pyramid and a head."""

    def graphs(self, architecture: object) -> tuple[Graph, ...]:
        """Draw the backbone, the pyramid and the head."""
        tree: Any = self.validate(architecture)._tree
        backbone = tree["backbone"]
        if "of" in backbone:
            inside = _space_of(backbone["of"]).graphs(backbone["network"])
            first = tuple(replace(one, name=f"backbone, {one.name}") for one in inside)
        else:
            blocks = [("stem", f"stem {backbone['stem']}, stride 4")]
            for number, stage in enumerate(backbone["stages"]):
                label = f"{stage['blocks']} x {stage['block']}, {stage['width']} channels, stride {_STRIDE << number}"
                blocks.append((f"stages.{number}", label))
            first = (chain_graph("backbone", blocks),)
        return (*first, _pyramid_graph(tree), _head_graph(tree))


def _pyramid_graph(tree: Any) -> Graph:
    levels, pyramid = _levels(tree), tree["pyramid"]
    ((kind, inside),) = pyramid["merging"].items()
    strides = [_STRIDE << number for number in range(levels)]
    vertices = [Vertex(f"in_{number}", f"stride {stride}", "input") for number, stride in enumerate(strides)]
    edges: list[Edge] = []
    if kind == "nas_fpn":
        cells = merges(inside["cells"], levels)
        names = [one.name for one in vertices]
        for number, cell in enumerate(cells):
            name = f"cell_{number}"
            vertices.append(Vertex(name, f"{cell.op.replace('_', ' ')}, stride {strides[cell.level]}", "operation"))
            edges += [Edge(names[cell.first], name), Edge(names[cell.second], name)]
            names.append(name)
        last = {}
        for level, (output, added) in unused(cells, levels).items():
            last[level] = [names[output], *(names[number] for number in added)]
    else:
        last = {number: [f"in_{number}"] for number in range(levels)}
        if kind in ("fpn", "pan"):
            last = _way(vertices, edges, last, strides, "down")
        if kind == "pan":
            last = _way(vertices, edges, last, strides, "up")
    for level, sources in last.items():
        vertices.append(Vertex(f"out_{level}", f"level {strides[level]}", "output"))
        edges += [Edge(source, f"out_{level}") for source in sources]
    return Graph(f"pyramid {kind}, width {pyramid['width']}", tuple(vertices), tuple(edges))


def _way(
    vertices: list[Vertex], edges: list[Edge], last: dict[int, list[str]], strides: Sequence[int], way: str
) -> dict[int, list[str]]:
    """Add the sums of one way through the levels: down from coarse to fine, or up."""
    order = list(range(len(strides)))
    if way == "down":
        order.reverse()
    found = {order[0]: last[order[0]]}
    for before, level in pairwise(order):
        name = f"{way}_{level}"
        vertices.append(Vertex(name, f"sum, stride {strides[level]}", "operation"))
        edges += [Edge(source, name) for source in (*found[before], *last[level])]
        found[level] = [name]
    return found


def _head_graph(tree: Any) -> Graph:
    ((kind, inside),) = tree["head"].items()
    vertices = [Vertex("level", "each level", "input")]
    edges: list[Edge] = []
    if kind == "two_stage":
        label = f"regions, {_anchors(inside)}"
        vertices += [
            Vertex("regions", label, "operation"),
            Vertex("roi", f"roi {inside['roi']} {inside['roi_size']}x{inside['roi_size']}", "operation"),
            Vertex("features", f"2 x linear {inside['features']}", "operation"),
            Vertex("boxes", "classes and boxes", "output"),
        ]
        edges = [Edge("level", "regions"), Edge("level", "roi"), Edge("regions", "roi")]
        edges += [Edge("roi", "features"), Edge("features", "boxes")]
        return Graph("head two_stage", tuple(vertices), tuple(edges))
    towers = inside["towers"]
    layers = f"{towers['depth']} x {towers['convolution']}" if towers["depth"] else "no layers"
    ends = {"classes": "classes", "sides": "boxes and centerness" if inside.get("centerness") else "boxes"}
    for name in ends:
        vertices.append(Vertex(name, layers, "operation"))
        edges += [Edge("level", name), Edge(name, f"{name}_out")]
    for name, end in ends.items():
        vertices.append(Vertex(f"{name}_out", end, "output"))
    about = "shared" if towers["shared"] else "one a level"
    anchors = f", {_anchors(inside)}" if kind == "anchors" else ""
    return Graph(f"head {kind}, {about}{anchors}", tuple(vertices), tuple(edges))


def _anchors(inside: Mapping[str, Any]) -> str:
    return f"{inside['scales'] * inside['ratios']} anchors of {inside['size']} strides"


def space(
    *,
    backbone: str | None = None,
    stems: Sequence[int] = STEMS,
    stages: tuple[int, int] = (2, 3),
    max_blocks: int = 3,
    max_width: int = 128,
    blocks: Sequence[str] = BLOCKS,
    pyramids: Sequence[str] = PYRAMIDS,
    max_pyramid_width: int = 128,
    heads: Sequence[str] = HEADS,
    max_depth: int = 4,
    convolutions: Sequence[str] = CONVOLUTIONS,
) -> DetectorSpace:
    """Make the space, or a part of it: `get("detector", heads=["anchor_free"], max_width=64)`.

    Args:
        backbone: the name of a space of this package whose networks take images; they are the backbone then.
        stems: the widths of the stem.
        stages: the least and the greatest number of stages, of 1 to 3; three reach stride 32.
        max_blocks: the greatest number of blocks of a stage.
        max_width: the greatest width of a stage, a multiple of 16; widths are 16, 32, ..
        blocks: some of `BLOCKS`.
        pyramids: some of `PYRAMIDS`.
        max_pyramid_width: the greatest width of the pyramid and of towers, a multiple of 16; the least is 32.
        heads: some of `HEADS`.
        max_depth: the greatest number of layers of a tower.
        convolutions: some of `CONVOLUTIONS`, the layers of towers.

    Returns:
        The space.

    Raises:
        SpaceError: a setting has a wrong value.
    """
    check_numbers("stems", stems, STEMS, whole=True)
    check_range("stages", stages, (2, 3))
    for name, given, known in (
        ("blocks", blocks, BLOCKS),
        ("pyramids", pyramids, PYRAMIDS),
        ("heads", heads, HEADS),
        ("convolutions", convolutions, CONVOLUTIONS),
    ):
        check_names(name, given, known)
    if stages[1] > LEVELS:
        raise SpaceError(f"stages={stages!r}: the third stage reaches stride 32; give at most {LEVELS}")
    pyramid = {"width": _widths("max_pyramid_width", 32, max_pyramid_width), "merging": _options(_MERGING, pyramids)}
    towers = {
        "depth": _upto("max_depth", 0, max_depth),
        "convolution": choice(*convolutions),
        "shared": choice(True, False),
    }
    tree: dict[str, object] = {"pyramid": pyramid, "head": _options(_heads(towers), heads)}
    if backbone is not None:
        inner = _space_of(backbone)
        tree = {"backbone": {"of": const(backbone), "network": inner.declared}, **tree}
        return DetectorSpace(tree, name="detector", canonical=canonical, valid=connected if inner.valid else None)
    stage = {
        "blocks": _upto("max_blocks", 1, max_blocks),
        "width": _widths("max_width", 16, max_width),
        "block": choice(*blocks),
    }
    whole = {"backbone": {"stem": choice(*stems), "stages": repeat(stage, *stages)}, **tree}
    return DetectorSpace(whole, name="detector", canonical=canonical)


_MERGING: dict[str, object] = {
    "none": {},
    "fpn": {},
    "pan": {},
    "nas_fpn": {
        "cells": repeat(
            {
                "first": integer(0, LEVELS + _CELLS[1] - 2),
                "second": integer(0, LEVELS + _CELLS[1] - 3),
                "level": integer(0, LEVELS - 1),
                "op": choice(*MERGES),
            },
            *_CELLS,
        )
    },
}


def _heads(towers: object) -> dict[str, object]:
    anchors = {"scales": choice(1, 2, 3), "ratios": choice(1, 3), "size": choice(2, 3, 4, 6, 8)}
    regions = {"roi": choice("align", "pool"), "roi_size": choice(5, 7), "features": integer(64, 256, step=64)}
    return {
        "anchor_free": {"centerness": choice(True, False), "towers": towers},
        "anchors": {**anchors, "towers": towers},
        "two_stage": {**anchors, **regions},
    }


def _options(known: Mapping[str, object], names: Sequence[str]) -> object:
    return choice({name: known[name] for name in known if name in names})


def _upto(name: str, low: int, high: int) -> object:
    if isinstance(high, bool) or not isinstance(high, int) or high < low:
        raise SpaceError(f"{name}={high!r}: it is a whole number of at least {low}; raise it")
    return integer(low, high) if high > low else const(low)


def _widths(name: str, low: int, high: int) -> object:
    if isinstance(high, bool) or not isinstance(high, int) or high < low or high % 16:
        raise SpaceError(f"{name}={high!r}: widths are multiples of 16, of at least {low}; give one")
    return integer(low, high, step=16) if high > low else const(low)


def _space_of(name: str) -> Space:
    """Find a space of this package: what a run names is never imported to read it."""
    from search_spaces.catalogue import SPACES, get  # the registry names this module

    known = [one for one in SPACES.built_in() if one not in ("detector", "detnas")]
    if name not in known:
        close = did_you_mean(str(name), known) or ";"
        raise SpaceError(
            f"backbone={name!r} is not a space of networks for images in this package{close} give one such as resnet"
        )
    return get(name)
