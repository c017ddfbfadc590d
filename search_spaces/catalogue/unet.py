"""U-Nets for images and volumes: what `unet2d` and `unet3d` have in common.

A network halves its input level by level, and doubles it again on the way back (Ronneberger et al. 2015, 1505.04597;
Cicek et al. 2016, 1606.06650). The stem may halve once more, which saves most of the computation. Each level decides
its operation, the number of blocks and how these are connected on the way down, and on the way up its operation and how
it is joined with what the way down has kept:

    {"stem_stride": 2, "width": 12, "norm": "instance", "pool": "conv_stride_2", "deep_supervision": false,
     "levels": [{"op": "conv_3x3x3", "blocks": 2, "connection": "plain", "up_op": "conv_3x3x3", "join": "concat"}, ..],
     "bottom": {"op": "conv_3x3x3", "blocks": 2, "connection": "plain"}}

Every combination is a member of its own, also where networks differ in their training alone (deep supervision).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from search_spaces.catalogue.settings import check_names, check_numbers, check_operations
from search_spaces.errors import SpaceError
from search_spaces.graphs.graph import Edge, Graph, Vertex
from search_spaces.parameters import choice, const, integer, repeat
from search_spaces.space import Space
from search_spaces.whole_numbers import is_whole

__all__ = [
    "BLOCKS",
    "CONNECTIONS",
    "JOINS",
    "LEVELS",
    "NORMS",
    "OPERATIONS",
    "POOLS",
    "STEM_STRIDES",
    "WIDTHS",
    "UnetSpace",
    "unet_space",
]

OPERATIONS = {
    2: ("conv_3x3", "conv_5x5", "conv_3x1", "conv_1x3", "separable_3x3", "multi_scale_fusion"),
    3: (
        "conv_3x3x3",
        "conv_5x5x5",
        "conv_3x3x1",
        "conv_3x1x3",
        "conv_1x3x3",
        "separable_3x3x3",
        "multi_scale_fusion",
    ),
}
"""By the number of dimensions. An operation with a side of 1 is followed by a convolution along the other sides
(pseudo-3-D, Qiu et al. 2017, 1711.10305). `multi_scale_fusion` adds convolutions of sides 1, 3 and 5.
"""
POOLS = {2: ("max_2x2", "avg_2x2", "conv_stride_2"), 3: ("max_2x2x2", "avg_2x2x2", "conv_stride_2")}
STEM_STRIDES = (1, 2)
LEVELS = (2, 4)
WIDTHS = (8, 32)
NORMS = ("instance", "batch", "group")
BLOCKS = (1, 3)
CONNECTIONS = ("plain", "skip", "dense")
JOINS = ("concat", "add", "attention_gate", "none")
_STEP = 4


class UnetSpace(Space):
    """A space of U-Nets."""

    def graphs(self, architecture: object) -> tuple[Graph, ...]:
        """Draw the way down, the bottom and the way up, with an edge for each join."""
        tree: Any = self.validate(architecture)._tree
        stem = f"stem {tree['width']}{' /2' if tree['stem_stride'] == 2 else ''}, {tree['norm']} norm"
        vertices = [Vertex("input", "input", "input"), Vertex("stem", stem, "operation")]
        edges = [Edge("input", "stem")]
        now, width = "stem", int(tree["width"])
        for index, level in enumerate(tree["levels"]):
            name = f"levels.{index}"
            vertices.append(Vertex(name, _label(level, width), "operation"))
            edges.append(Edge(now, name, "" if index == 0 else str(tree["pool"])))
            now, width = name, 2 * width
        of_bottom = ", supervised" if tree["deep_supervision"] else ""
        vertices.append(Vertex("bottom", f"{_label(tree['bottom'], width)}{of_bottom}", "operation"))
        edges.append(Edge(now, "bottom", str(tree["pool"])))
        now = "bottom"
        for index in reversed(range(len(tree["levels"]))):
            level, width = tree["levels"][index], width // 2
            name = f"levels.{index}.up"
            supervised = ", supervised" if tree["deep_supervision"] and index else ""
            vertices.append(Vertex(name, f"{level['up_op']} {width}{supervised}", "operation"))
            edges.append(Edge(now, name, "up"))
            if level["join"] != "none":
                edges.append(Edge(f"levels.{index}", name, str(level["join"])))
            now = name
        vertices.append(Vertex("output", "output", "output"))
        edges.append(Edge(now, "output", "up" if tree["stem_stride"] == 2 else ""))
        return (Graph(self.name or "unet", tuple(vertices), tuple(edges)),)


def unet_space(
    name: str,
    dimensions: int,
    *,
    stem_strides: Sequence[int] = STEM_STRIDES,
    levels: tuple[int, int] = LEVELS,
    widths: tuple[int, int] = WIDTHS,
    norms: Sequence[str] = NORMS,
    operations: Sequence[str] | None = None,
    blocks: tuple[int, int] = BLOCKS,
    connections: Sequence[str] = CONNECTIONS,
    pools: Sequence[str] | None = None,
    joins: Sequence[str] = JOINS,
    deep_supervision: Sequence[bool] = (True, False),
) -> UnetSpace:
    """Make a space of U-Nets.

    Args:
        name: of the space.
        dimensions: 2 for images, 3 for volumes.
        stem_strides: some of 1 and 2.
        levels: the least and the greatest number of levels, at least 2; each but the first halves the input.
        widths: the least and the greatest width of the first level, multiples of 4; each further level doubles it.
        norms: some of `NORMS`.
        operations: some of `OPERATIONS`; None takes all.
        blocks: the least and the greatest number of blocks of a level.
        connections: some of `CONNECTIONS`.
        pools: some of `POOLS`; None takes all.
        joins: some of `JOINS`.
        deep_supervision: whether the outputs of coarser levels have losses of their own in training: some of True and
            False.

    Returns:
        The space.

    Raises:
        SpaceError: a setting has a wrong value.
    """
    check_numbers("stem_strides", stem_strides, STEM_STRIDES, whole=True)
    for stride in stem_strides:
        if stride not in STEM_STRIDES:
            raise SpaceError(f"stem_strides={stem_strides!r}: {stride!r} is not 1 or 2; give one of them, or both")
    _check_counts("levels", levels, LEVELS, least=2)
    _check_counts("widths", widths, WIDTHS, least=_STEP)
    if any(width % _STEP for width in widths):
        raise SpaceError(f"widths={widths!r}: widths are multiples of {_STEP}; give some such as {WIDTHS}")
    _check_counts("blocks", blocks, BLOCKS, least=1)
    check_names("norms", norms, NORMS)
    check_names("connections", connections, CONNECTIONS)
    check_names("joins", joins, JOINS)
    taken = check_operations(OPERATIONS[dimensions] if operations is None else operations, OPERATIONS[dimensions])
    pooled = POOLS[dimensions] if pools is None else pools
    check_names("pools", pooled, POOLS[dimensions])
    flags = deep_supervision if isinstance(deep_supervision, list | tuple) else ()
    if not flags or not all(isinstance(flag, bool) for flag in flags) or len({*flags}) < len(flags):
        raise SpaceError(f"deep_supervision={deep_supervision!r}: give a list of true, false, or both")
    stage = {
        "op": choice(*taken),
        "blocks": _count(*blocks),
        "connection": choice(*connections),
    }
    tree = {
        "stem_stride": choice(*stem_strides),
        "width": _count(*widths, step=_STEP),
        "norm": choice(*norms),
        "pool": choice(*pooled),
        "deep_supervision": choice(*deep_supervision),
        "levels": repeat({**stage, "up_op": choice(*taken), "join": choice(*joins)}, levels[0] - 1, levels[1] - 1),
        "bottom": stage,
    }
    return UnetSpace(tree, name=name)


def _count(low: int, high: int, step: int = 1) -> object:
    """A decision for a number; nothing is decided where there is one."""
    return const(low) if low == high else integer(low, high, step)


def _label(stage: dict[str, Any], width: int) -> str:
    connection = "" if stage["connection"] == "plain" else f", {stage['connection']}"
    return f"{stage['blocks']} x {stage['op']} {width}{connection}"


def _check_counts(name: str, given: object, example: tuple[int, int], *, least: int) -> None:
    pair = isinstance(given, list | tuple) and len(given) == 2 and all(is_whole(bound, least) for bound in given)
    if not isinstance(given, list | tuple) or not pair or given[0] > given[1]:
        raise SpaceError(
            f"{name}={given!r}: give the least and the greatest, whole numbers of at least {least}, such as {example}"
        )
