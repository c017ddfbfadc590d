"""`chain`: 1 to 10 layers, each with an operation, channels, a stride and a connection to the earlier layers.

Every combination is a member: the builder fits shapes to each other, so the space needs no rule. `channels` decides the
width of convolutions and depthwise-separable convolutions; pooling, identity and zero keep the width of their input.
The first layer has no parallel layer, so it is in series then. Members that differ in these two only share an id.
"""

from __future__ import annotations

from typing import Any

from search_spaces.architecture import Architecture, Json
from search_spaces.graphs.graph import Edge, Graph, Vertex
from search_spaces.parameters import choice, integer, repeat
from search_spaces.space import Space

__all__ = ["CONNECTIONS", "CONVOLUTIONS", "OPERATIONS", "ChainSpace", "canonical", "space"]

CONVOLUTIONS = ("conv_3x3", "conv_5x5", "conv_7x7", "dwconv_3x3", "dwconv_5x5")
"""The operations whose width is `channels`."""
OPERATIONS = (*CONVOLUTIONS, "max_pool_3x3", "avg_pool_3x3", "identity", "zero")
CONNECTIONS = ("series", "parallel", "skip", "dense")


def canonical(architecture: Architecture) -> Json:
    """Compute the canonical form.

    Args:
        architecture: a member.

    Returns:
        The layers, without channels that change nothing, and with a first layer in series in place of parallel.
    """
    tree: Any = architecture._tree
    return [_canonical_layer(layer, first=index == 0) for index, layer in enumerate(tree["layers"])]


def _canonical_layer(layer: dict[str, Json], *, first: bool) -> Json:
    connection = _connection(layer, first=first)
    kept: dict[str, Json] = {"op": layer["op"], "stride": layer["stride"], "connection": connection}
    return {**kept, "channels": layer["channels"]} if layer["op"] in CONVOLUTIONS else kept


def _connection(layer: dict[str, Any], *, first: bool) -> str:
    return "series" if first and layer["connection"] == "parallel" else str(layer["connection"])


class ChainSpace(Space):
    """The space of chains: `{"layers": [{"op", "channels", "stride", "connection"}, ..]}`."""

    def graphs(self, architecture: object) -> tuple[Graph, ...]:
        """Draw the layers from the stem on, with a vertex `+` or `concat` where a connection adds or concatenates."""
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
    """`conv_3x3 64 /2`: the operation, its channels where they count, its stride where it is not 1."""
    channels = f" {layer['channels']}" if layer["op"] in CONVOLUTIONS else ""
    return f"{layer['op']}{channels}{' /2' if layer['stride'] == 2 else ''}"


def space() -> ChainSpace:
    """Make the space of chains.

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
