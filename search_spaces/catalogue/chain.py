"""`chain`: 1 to 10 layers, each with an operation, channels, a stride and a connection to the layers before.

Every combination is a member: the network adapts the shapes, so that the space needs no `valid` rule. `channels` is
the width of convolutions and depthwise-separable convolutions; pooling, identity and zero keep the width of their
input. A first layer has no layer to run parallel to, so "parallel" means "series" there. The canonical form leaves
both out: members that differ in nothing else share an id.
"""

from __future__ import annotations

from typing import Any

from search_spaces.architecture import Architecture, Json
from search_spaces.graphs.graph import Edge, Graph, Vertex
from search_spaces.parameters import choice, integer, repeat
from search_spaces.space import Space

__all__ = ["CONNECTIONS", "CONVOLUTIONS", "OPERATIONS", "ChainSpace", "canonical", "space"]

CONVOLUTIONS = ("conv_3x3", "conv_5x5", "conv_7x7", "dwconv_3x3", "dwconv_5x5")
"""The operations that have a width of their own, `channels`."""
OPERATIONS = (*CONVOLUTIONS, "max_pool_3x3", "avg_pool_3x3", "identity", "zero")
CONNECTIONS = ("series", "parallel", "skip", "dense")


def canonical(architecture: Architecture) -> Json:
    """Compute the canonical form: without channels that decide nothing, and with a first layer in series.

    Args:
        architecture: a member of the space.

    Returns:
        The layers.
    """
    tree: Any = architecture._tree
    layers: list[Json] = []
    for index, layer in enumerate(tree["layers"]):
        connection = _connection(layer, first=index == 0)
        kept: dict[str, Json] = {"op": layer["op"], "stride": layer["stride"], "connection": connection}
        if layer["op"] in CONVOLUTIONS:
            kept["channels"] = layer["channels"]
        layers.append(kept)
    return layers


def _connection(layer: dict[str, Any], *, first: bool) -> str:
    return "series" if first and layer["connection"] == "parallel" else str(layer["connection"])


class ChainSpace(Space):
    """The space of chains: `{"layers": [{"op", "channels", "stride", "connection"}, ..]}`."""

    def graphs(self, architecture: object) -> tuple[Graph, ...]:
        """Draw the layers from the stem on. A vertex `+` or `concat` marks where a connection adds or concatenates."""
        tree: Any = self.validate(architecture)._tree
        vertices, edges = [Vertex("input", "input", "input"), Vertex("stem", "stem", "operation")], []
        edges.append(Edge("input", "stem"))
        before = now = "stem"
        for index, layer in enumerate(tree["layers"]):
            name, connection = f"layers.{index}", _connection(layer, first=index == 0)
            last = now
            before = before if connection == "parallel" else now
            vertices.append(Vertex(name, _label(layer), "operation"))
            edges.append(Edge(before, name))
            now, joint = name, _JOINTS.get(connection)
            if joint:
                now = f"{name}.{joint}"
                vertices.append(Vertex(now, joint, "state"))
                edges += [Edge(name, now), Edge(last, now)]
        vertices.append(Vertex("output", "output", "output"))
        return (Graph("chain", tuple(vertices), (*edges, Edge(now, "output"))),)


_JOINTS = {"skip": "+", "parallel": "+", "dense": "concat"}


def _label(layer: dict[str, Any]) -> str:
    """A label such as `conv_3x3 64 /2`: the operation, the channels of a convolution, a stride other than 1."""
    channels = f" {layer['channels']}" if layer["op"] in CONVOLUTIONS else ""
    return f"{layer['op']}{channels}{' /2' if layer['stride'] == 2 else ''}"


def space() -> ChainSpace:
    """Make the space of chains; it has no settings.

    Returns:
        The space.
    """
    layer = {
        "op": choice(*OPERATIONS),
        "channels": integer(16, 512, step=16),
        "stride": choice(1, 2),
        "connection": choice(*CONNECTIONS),
    }
    return ChainSpace({"layers": repeat(layer, 1, 10)}, name="chain", canonical=canonical)
