"""Plug-ins: installed packages with entry points in the groups `nas_tune.<kind>`.

    [project.entry-points."nas_tune.spaces"]
    my_space = "my_package.spaces:make_space"

Finding a plug-in does not import it; its registry does so at its first use.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

__all__ = ["OUR_DISTRIBUTION", "PLUG_IN_KINDS", "distribution_of", "plug_ins"]

PLUG_IN_KINDS = (
    *("spaces", "networks", "tasks", "trainables"),
    *("strategies", "schedulers", "methods", "self_searches", "formats"),
)
"""The kinds that have a registry; the entry points of a kind are the group `nas_tune.<kind>`."""
OUR_DISTRIBUTION = "nas_tune"
"""The origin of what this project has built in."""


def plug_ins(kinds: str) -> Mapping[str, EntryPoint]:
    """Find the entry points of a kind; imports none of them.

    Args:
        kinds: one of `PLUG_IN_KINDS`.

    Returns:
        An entry point by name; if two have one name, the first on the import path.
    """
    return _installed(tuple(sys.path)).get(kinds, {})


@functools.lru_cache(maxsize=4)
def _installed(path: tuple[str, ...]) -> dict[str, dict[str, EntryPoint]]:
    """The entry points on an import path, by kind and name; cached, because reading them takes 10 ms and more."""
    from importlib import metadata  # takes 40 ms, which only the use of plug-ins pays for

    found: dict[str, dict[str, EntryPoint]] = {}
    everything = metadata.entry_points()
    for kinds in PLUG_IN_KINDS:
        for point in everything.select(group=f"nas_tune.{kinds}"):
            found.setdefault(kinds, {}).setdefault(point.name, point)
    return found


def distribution_of(point: EntryPoint) -> str:
    """Name the package that an entry point belongs to.

    Args:
        point: the entry point.

    Returns:
        The name of its distribution, else that of its top module; `OUR_DISTRIBUTION` for this project.
    """
    name = point.dist.name if point.dist is not None else point.value.partition(":")[0].partition(".")[0]
    return OUR_DISTRIBUTION if name.replace("-", "_") == OUR_DISTRIBUTION else name
