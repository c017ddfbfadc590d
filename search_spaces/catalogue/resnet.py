"""`resnet`: AnyNetX, the space of bottleneck networks that contains the RegNets.

Radosavovic et al. 2019 (arXiv 1905.13214, network design spaces) and 2020 (2003.13678, RegNet). Each of four stages
has a depth of 1 to 16 blocks, a width of up to 1024 channels in steps of 8, a bottleneck ratio of 1, 2 or 4 and a group
width of 1 to 32 channels, (16 * 128 * 3 * 6)^4 members:

    {"stages": [{"depth": 1, "width": 32, "bottleneck_ratio": 1, "group_width": 16}, ..]}

Widths that do not fit together are no error. As in the papers, the group width is reduced to the width inside the
bottleneck, and that width is rounded to the nearest multiple of the group width, halves up (`fitted`). So every
combination is a member, and members with the same fitted numbers share an id.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from search_spaces.architecture import Architecture, Json
from search_spaces.catalogue.settings import check_numbers
from search_spaces.errors import SpaceError
from search_spaces.graphs.graph import Graph
from search_spaces.graphs.outline import chain_graph
from search_spaces.parameters import choice, const, integer
from search_spaces.space import Space
from search_spaces.whole_numbers import is_whole

__all__ = ["BOTTLENECK_RATIOS", "GROUP_WIDTHS", "ResNetSpace", "Stage", "canonical", "fitted", "space"]

BOTTLENECK_RATIOS = (1, 2, 4)
GROUP_WIDTHS = (1, 2, 4, 8, 16, 32)


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage whose numbers fit together.

    Attributes:
        depth: the number of blocks.
        width: the channels of its output.
        inner: the channels of its grouped convolutions, a multiple of `group_width`.
        group_width: the channels of a group.
    """

    depth: int
    width: int
    inner: int
    group_width: int

    @property
    def groups(self) -> int:
        """The number of groups of the grouped convolutions."""
        return self.inner // self.group_width


def fitted(stage: Mapping[str, Any], scale: float = 1.0) -> Stage:
    """Fit the numbers of a decided stage to each other.

    Args:
        stage: the decisions: depth, width, bottleneck_ratio and group_width.
        scale: the factor of the width, applied first.

    Returns:
        The stage that is built.
    """
    ratio = stage["bottleneck_ratio"]
    inner = max(1, int(stage["width"] * scale) // ratio)
    group_width = min(stage["group_width"], inner)
    inner = int(inner / group_width + 0.5) * group_width
    return Stage(stage["depth"], inner * ratio, inner, group_width)


def canonical(architecture: Architecture) -> Json:
    """Compute the canonical form: the fitted numbers of every stage.

    Args:
        architecture: a member of the space.

    Returns:
        `[depth, width, inner, group_width]` for each stage.
    """
    tree: Any = architecture._tree
    stages = map(fitted, tree["stages"])
    return [[stage.depth, stage.width, stage.inner, stage.group_width] for stage in stages]


class ResNetSpace(Space):
    """Stages of bottleneck blocks; some of the members are RegNets."""

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
        """Make the member that is the RegNet of these numbers.

        Block j wants `initial_width + slope * j` channels. It gets `initial_width * multiplier^s`, with the
        nearest whole exponent s, rounded to a multiple of 8. The blocks of one width are a stage.

        Args:
            depth: the number of blocks (d in the paper).
            initial_width: the channels that the first block wants (w_0).
            slope: the channels that each further block wants more (w_a).
            multiplier: the ratio of the widths of two stages (w_m), above 1.
            group_width: the channels of a group (g).
            bottleneck_ratio: the width divided by the width inside a block (b).

        Returns:
            The member.

        Raises:
            SpaceError: a number is outside of the range that the paper allows.
            ArchitectureError: the space has no such member: the number of stages is another one, or an option is
                missing
                (`get("resnet", group_widths=(16, 24, 48))` adds options).
        """
        if min(depth, initial_width, group_width, bottleneck_ratio) < 1 or slope < 0 or multiplier <= 1:
            raise SpaceError(
                f"a RegNet of depth {depth}, initial width {initial_width}, slope {slope} and multiplier {multiplier} "
                "is impossible: depth and widths are at least 1, the slope at least 0, the multiplier above 1; "
                "change them"
            )
        widths: list[int] = []
        for block in range(depth):
            wanted = initial_width + slope * block
            power = round(math.log(wanted / initial_width) / math.log(multiplier))
            widths.append(round(initial_width * multiplier**power / 8) * 8)
        same = {"bottleneck_ratio": bottleneck_ratio, "group_width": group_width}
        stages = [{"depth": widths.count(width), "width": width, **same} for width in dict.fromkeys(widths)]
        return self.validate({"stages": stages})

    def graphs(self, architecture: object) -> tuple[Graph, ...]:
        """Draw one row of vertices, a stage each, with its fitted numbers."""
        tree: Any = self.validate(architecture)._tree
        blocks = [("stem", "stem")]
        for index, stage in enumerate(map(fitted, tree["stages"])):
            label = f"{stage.depth} x bottleneck {stage.width}, inside {stage.inner}, groups {stage.groups}"
            blocks.append((f"stages.{index}", label))
        return (chain_graph("resnet", blocks),)


def space(
    *,
    stages: int = 4,
    max_depth: int = 16,
    max_width: int = 1024,
    bottleneck_ratios: Sequence[int] = BOTTLENECK_RATIOS,
    group_widths: Sequence[int] = GROUP_WIDTHS,
) -> ResNetSpace:
    """Make AnyNetX as in the paper, or smaller: `get("resnet", stages=3, max_depth=2, max_width=32)`.

    Args:
        stages: the number of stages, at least 1.
        max_depth: the greatest number of blocks in a stage, at least 1.
        max_width: the greatest width of a stage, in channels; widths are multiples of 8.
        bottleneck_ratios: the ratios of the width to the width inside a block, whole numbers.
        group_widths: the channels of a group, whole numbers.

    Returns:
        The space.

    Raises:
        SpaceError: a setting has a wrong value.
    """
    for name, value in (("stages", stages), ("max_depth", max_depth)):
        if not is_whole(value, 1):
            raise SpaceError(f"{name} {value!r}: it is a whole number of at least 1; raise it")
    check_numbers("bottleneck_ratios", bottleneck_ratios, BOTTLENECK_RATIOS, whole=True)
    check_numbers("group_widths", group_widths, GROUP_WIDTHS, whole=True)
    stage = {
        "depth": integer(1, max_depth) if max_depth > 1 else const(1),
        "width": integer(8, max_width, step=8),
        "bottleneck_ratio": choice(*bottleneck_ratios) if len(bottleneck_ratios) > 1 else const(bottleneck_ratios[0]),
        "group_width": choice(*group_widths) if len(group_widths) > 1 else const(group_widths[0]),
    }
    return ResNetSpace({"stages": [stage] * stages}, name="resnet", canonical=canonical)
