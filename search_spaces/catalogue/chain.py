"""`chain`: 1 to 10 layers, each with an operation, channels, a stride and a connection to what came before.

Every combination is a member: the builder keeps shapes safe, so that validity needs no rule. `channels`
decides the width of convolutions and depthwise-separable convolutions; pooling, identity and zero keep the
width that they are given. A first layer has nothing to run parallel to, and is then in series. The canonical
form says both, so that members which differ in nothing else share an id.
"""

from __future__ import annotations

from typing import Any

from search_spaces.architecture import Architecture, Json
from search_spaces.parameters import choice, integer, repeat
from search_spaces.space import Space

__all__ = ["CONNECTIONS", "CONVOLUTIONS", "OPERATIONS", "canonical", "space"]

CONVOLUTIONS = ("conv_3x3", "conv_5x5", "conv_7x7", "dwconv_3x3", "dwconv_5x5")
"""The operations whose width `channels` decides."""
OPERATIONS = (*CONVOLUTIONS, "max_pool_3x3", "avg_pool_3x3", "identity", "zero")
CONNECTIONS = ("series", "parallel", "skip", "dense")


def canonical(architecture: Architecture) -> Json:
    """The layers, without channels that decide nothing, the first one not parallel."""
    tree: Any = architecture._tree
    return [_canonical_layer(layer, first=index == 0) for index, layer in enumerate(tree["layers"])]


def _canonical_layer(layer: dict[str, Json], *, first: bool) -> Json:
    connection = "series" if first and layer["connection"] == "parallel" else layer["connection"]
    kept: dict[str, Json] = {"op": layer["op"], "stride": layer["stride"], "connection": connection}
    return {**kept, "channels": layer["channels"]} if layer["op"] in CONVOLUTIONS else kept


def space() -> Space:
    """The space of chains: `{"layers": [{"op", "channels", "stride", "connection"}, ..]}`."""
    layer = {
        "op": choice(*OPERATIONS),
        "channels": integer(16, 512, step=16),
        "stride": choice(1, 2),
        "connection": choice(*CONNECTIONS),
    }
    return Space({"layers": repeat(layer, 1, 10)}, name="chain", canonical=canonical)
