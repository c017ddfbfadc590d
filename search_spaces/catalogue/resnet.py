"""`resnet`: AnyNetX, the space of bottleneck networks that contains the RegNets.

Radosavovic et al. 2019 (arXiv 1905.13214, network design spaces) and 2020 (2003.13678, RegNet). Each of four stages
has a depth of 1 to 16 blocks, a width of up to 1024 channels in steps of 8, a bottleneck ratio of 1, 2 or 4 and a group
width of 1 to 32 channels, (16 * 128 * 3 * 6)^4 members:

    {"stages": [{"depth": 1, "width": 32, "bottleneck_ratio": 1, "group_width": 16}, ..]}

Any widths are allowed, also those that do not fit together. As in the papers, the group width is reduced to the width
inside the bottleneck, and that width is rounded to the nearest multiple of the group width, halves up (`fitted`). Every
combination is therefore a member, and members that are fitted to the same numbers share an id.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from search_spaces.architecture import Architecture, Json
from search_spaces.errors import SpaceError
from search_spaces.graphs.graph import Graph
from search_spaces.graphs.outline import chain_graph
from search_spaces.parameters import choice, const, integer
from search_spaces.space import Space
from search_spaces.whole_numbers import is_whole

__all__ = ["BOTTLENECK_RATIOS", "GROUP_WIDTHS", "ResNetSpace", "Stage", "canonical", "fitted", "regnet_stages", "space"]

BOTTLENECK_RATIOS = (1, 2, 4)
GROUP_WIDTHS = (1, 2, 4, 8, 16, 32)


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage whose numbers fit together.

    Attributes:
        depth: the number of blocks.
        width: the number of channels of its output.
        inner: the number of channels of its grouped convolutions, `groups` times `group_width`.
        group_width: the number of channels of a group.
    """

    depth: int
    width: int
    inner: int
    group_width: int

    @property
    def groups(self) -> int:
        return self.inner // self.group_width


def fitted(stage: Mapping[str, Any], scale: float = 1.0) -> Stage:
    """Fit the numbers of a decided stage to each other.

    Args:
        stage: a decided one, with depth, width, bottleneck_ratio and group_width.
        scale: multiplies the width first.

    Returns:
        The stage.
    """
    ratio = stage["bottleneck_ratio"]
    inner = max(1, int(stage["width"] * scale) // ratio)
    group_width = min(stage["group_width"], inner)
    inner = int(inner / group_width + 0.5) * group_width
    return Stage(stage["depth"], inner * ratio, inner, group_width)


def canonical(architecture: Architecture) -> Json:
    """Compute the canonical form.

    Args:
        architecture: a member.

    Returns:
        The fitted depth, width, inner width and group width of every stage.
    """
    tree: Any = architecture._tree
    stages = map(fitted, tree["stages"])
    return [[stage.depth, stage.width, stage.inner, stage.group_width] for stage in stages]


def regnet_stages(
    *,
    depth: int,
    initial_width: int,
    slope: float,
    multiplier: float,
    group_width: int,
    bottleneck_ratio: int = 1,
) -> list[dict[str, int]]:
    """Compute the stages of a RegNet.

    Block j wants initial_width + slope * j channels. It gets the nearest of initial_width * multiplier^s, s = 0, 1, ..,
    rounded to a multiple of 8. Blocks of one width are a stage.

    Args:
        depth: the number of blocks (d of the paper).
        initial_width: in channels (w_0).
        slope: in channels for each block (w_a).
        multiplier: of the widths of two stages (w_m), above 1.
        group_width: in channels (g).
        bottleneck_ratio: of the width to the width inside the bottleneck (b).

    Returns:
        The decisions of each stage.

    Raises:
        SpaceError: a number is outside the range of the paper.
    """
    if min(depth, initial_width, group_width, bottleneck_ratio) < 1 or slope < 0 or multiplier <= 1:
        raise SpaceError(
            f"a RegNet of depth {depth}, initial width {initial_width}, slope {slope} and multiplier {multiplier} "
            "cannot be: depth and widths are at least 1, the slope at least 0, the multiplier above 1; change them"
        )
    wanted = (initial_width + slope * block for block in range(depth))
    powers = [round(math.log(width / initial_width) / math.log(multiplier)) for width in wanted]
    widths = [round(initial_width * multiplier**power / 8) * 8 for power in powers]
    same = {"bottleneck_ratio": bottleneck_ratio, "group_width": group_width}
    return [{"depth": widths.count(width), "width": width, **same} for width in dict.fromkeys(widths)]


class ResNetSpace(Space):
    """Stages of bottleneck blocks. `regnet` gives the member of a RegNet."""

    def regnet(
        self,
        *,
        depth: int,
        initial_width: int,
        slope: float,
        multiplier: float,
        group_width: int,
        bottleneck_ratio: int = 1,
    ) -> Architecture:
        """Find the member of a RegNet.

        Args:
            depth, initial_width, slope, multiplier, group_width, bottleneck_ratio: as in `regnet_stages` (d, w_0, w_a,
                w_m,
                g, b of the paper).

        Returns:
            The member.

        Raises:
            ArchitectureError: it is not a member: it has another number of stages, or an option that the space lacks
                (`get("resnet", group_widths=(16, 24, 48))`).
        """
        stages = regnet_stages(
            depth=depth,
            initial_width=initial_width,
            slope=slope,
            multiplier=multiplier,
            group_width=group_width,
            bottleneck_ratio=bottleneck_ratio,
        )
        return self.validate({"stages": stages})

    def graphs(self, architecture: object) -> tuple[Graph, ...]:
        """Draw one graph: a vertex for each stage, with its fitted numbers."""
        tree: Any = self.validate(architecture)._tree
        blocks = [(f"stages.{index}", _said(stage)) for index, stage in enumerate(tree["stages"])]
        return (chain_graph("resnet", [("stem", "stem"), *blocks]),)


def _said(decided: Mapping[str, Any]) -> str:
    stage = fitted(decided)
    return f"{stage.depth} x bottleneck {stage.width}, inside {stage.inner}, groups {stage.groups}"


def space(
    *,
    stages: int = 4,
    max_depth: int = 16,
    max_width: int = 1024,
    bottleneck_ratios: Sequence[int] = BOTTLENECK_RATIOS,
    group_widths: Sequence[int] = GROUP_WIDTHS,
) -> ResNetSpace:
    """Make the AnyNetX space of the paper, or a smaller one: `get("resnet", stages=3, max_depth=2, max_width=32)`.

    Args:
        stages: their number.
        max_depth: the greatest number of blocks of a stage.
        max_width: the greatest width of a stage, in channels, a multiple of 8.
        bottleneck_ratios: of the width to the width inside the bottleneck.
        group_widths: in channels.

    Returns:
        The space.

    Raises:
        SpaceError: a setting is not a whole number of at least 1.
    """
    for name, value in (("stages", stages), ("max_depth", max_depth)):
        if not is_whole(value, 1):
            raise SpaceError(f"{name} {value!r}: it is a whole number of at least 1; raise it")
    for name, values in (("bottleneck_ratios", bottleneck_ratios), ("group_widths", group_widths)):
        if not all(is_whole(value, 1) for value in values):
            raise SpaceError(f"{name} {values!r}: each is a whole number of at least 1; change them")
    stage = {
        "depth": integer(1, max_depth) if max_depth > 1 else const(1),
        "width": integer(8, max_width, step=8),
        "bottleneck_ratio": choice(*bottleneck_ratios) if len(bottleneck_ratios) > 1 else const(bottleneck_ratios[0]),
        "group_width": choice(*group_widths) if len(group_widths) > 1 else const(group_widths[0]),
    }
    return ResNetSpace({"stages": [stage] * stages}, name="resnet", canonical=canonical)
