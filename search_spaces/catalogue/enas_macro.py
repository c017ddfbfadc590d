"""`enas_macro`: whole networks of ENAS (Pham et al. 2018, arXiv 1802.03268), 12 layers by default.

Layer i applies one of six operations to the output of layer i - 1 (layer 0: of the stem), and concatenates with it the
outputs that it skips to: any subset of the i outputs before its input, `"stem"`, `"layer_0"`, .., `"layer_{i-2}"`. With
L layers the space has exactly 6^L * 2^(L(L-1)/2) members.

No two members are the same network: every layer is on the way to the output, operations differ, and skips have a fixed
order. The id is therefore that of the tree.
"""

from __future__ import annotations

from typing import Any

from search_spaces.architecture import Architecture, Json
from search_spaces.catalogue.literal import number_at
from search_spaces.errors import ArchitectureError, SpaceError
from search_spaces.graphs.graph import Edge, Graph, Vertex
from search_spaces.parameters import choice, const, subset
from search_spaces.space import Space
from search_spaces.whole_numbers import is_whole

__all__ = ["OPERATIONS", "ENASMacroSpace", "skip_candidates", "space"]

OPERATIONS = ("conv_3x3", "sep_conv_3x3", "conv_5x5", "sep_conv_5x5", "avg_pool_3x3", "max_pool_3x3")
"""The operations in the official order, since an arc uses the index of an operation."""


def skip_candidates(layer: int) -> tuple[str, ...]:
    """List the outputs that a layer may skip to: all before its input.

    Args:
        layer: its number, from 0.

    Returns:
        Their names.
    """
    return ("stem", *(f"layer_{earlier}" for earlier in range(layer)))[:layer]


class ENASMacroSpace(Space):
    """The networks of ENAS, `{"layers": [{"op": .., "skips": ["stem", "layer_0", ..]}, ..]}`, with arcs.

    Args:
        layers: their number.

    Raises:
        SpaceError: it is not a whole number of at least 1.
    """

    def __init__(self, layers: int = 12) -> None:
        if not is_whole(layers, 1):
            raise SpaceError(f"space 'enas_macro': layers={layers!r}; it is a whole number of at least 1")
        super().__init__({"layers": [_layer(index) for index in range(layers)]}, name="enas_macro")

    @property
    def layers(self) -> int:
        """The number of layers."""
        declared: Any = self.declared
        return len(declared["layers"])

    def from_arc(self, text: str) -> Architecture:
        """Read an arc as the authors write it: for each layer the number of its operation, then 0 or 1 for every skip.

        Args:
            text: numbers, separated by white space.

        Returns:
            The network.

        Raises:
            ArchitectureError: the arc is malformed; the message has the number, from 0, where it breaks.
        """
        if not isinstance(text, str):
            kind = type(text).__name__
            raise ArchitectureError(
                "", f"{text!r:.60} is a {kind}; give the text of an arc, numbers with spaces between"
            )
        numbers = text.split()
        expected = self.layers * (self.layers + 1) // 2
        if len(numbers) != expected:
            said = f"an arc of {self.layers} layers has {expected} numbers, here are {len(numbers)}"
            raise ArchitectureError("layers", f"{said}; give all of them, or take the space of another depth")
        layers: list[Json] = []
        place = 0
        for index in range(self.layers):
            operation = number_at(numbers, place, len(OPERATIONS), f"layers.{index}.op")
            place += 1
            skips: list[Json] = []
            for candidate in skip_candidates(index):
                if number_at(numbers, place, 2, f"layers.{index}.skips"):
                    skips.append(candidate)
                place += 1
            layers.append({"op": OPERATIONS[operation], "skips": skips})
        return self.validate({"layers": layers})

    def to_arc(self, architecture: object) -> str:
        """Write the arc of a network.

        Args:
            architecture: a member.

        Returns:
            A line for each layer.

        Raises:
            ArchitectureError: it is not a member.
        """
        lines: list[str] = []
        for index, layer in enumerate(self.validate(architecture)["layers"]):
            flags = [int(candidate in layer["skips"]) for candidate in skip_candidates(index)]
            lines.append(" ".join(map(str, [OPERATIONS.index(layer["op"]), *flags])))
        return "\n".join(lines)

    def graphs(self, architecture: object) -> tuple[Graph, ...]:
        """Draw the layers as a sequence. A vertex that concatenates follows a layer with skips."""
        vertices, edges = [Vertex("stem", "stem", "input")], []
        outputs = {"stem": "stem"}
        now = "stem"
        for index, layer in enumerate(self.validate(architecture)["layers"]):
            name = f"layer_{index}"
            vertices.append(Vertex(name, layer["op"], "operation"))
            edges.append(Edge(now, name))
            now = name
            if layer["skips"]:
                now = f"concat_{index}"
                vertices.append(Vertex(now, "concat", "state"))
                edges += [Edge(outputs[source], now) for source in layer["skips"]] + [Edge(name, now)]
            outputs[name] = now
        vertices.append(Vertex("output", "output", "output"))
        return (Graph("network", tuple(vertices), (*edges, Edge(now, "output"))),)


def _layer(index: int) -> dict[str, object]:
    candidates = skip_candidates(index)
    skips = subset(list(candidates), (0, index)) if candidates else const([])
    return {"op": choice(*OPERATIONS), "skips": skips}


def space(layers: int = 12) -> ENASMacroSpace:
    """Make the space of ENAS, or one of another depth.

    Args:
        layers: their number.

    Returns:
        The space.
    """
    return ENASMacroSpace(layers)
