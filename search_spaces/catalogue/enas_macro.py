"""`enas_macro`: whole networks of ENAS (Pham et al. 2018, arXiv 1802.03268), 12 layers by default.

Layer i applies one of six operations to the output of layer i - 1 (layer 0 to that of the stem). It concatenates the
result with the outputs that it skips to: any subset of the i outputs before its input, `"stem"`, `"layer_0"`, ..,
`"layer_{i-2}"`. With L layers the space has exactly 6^L * 2^(L(L-1)/2) members.

No two members are the same network: every layer is on a path to the output, the operations differ, and skips have a
fixed order. So there is no canonical form.
"""

from __future__ import annotations

from typing import Any

from search_spaces.architecture import Architecture, Json
from search_spaces.catalogue.literal import read_number
from search_spaces.errors import ArchitectureError, SpaceError
from search_spaces.graphs.graph import Edge, Graph, Vertex
from search_spaces.parameters import choice, const, subset
from search_spaces.space import Space
from search_spaces.whole_numbers import is_whole

__all__ = ["OPERATIONS", "ENASMacroSpace", "skip_candidates", "space"]

OPERATIONS = ("conv_3x3", "sep_conv_3x3", "conv_5x5", "sep_conv_5x5", "avg_pool_3x3", "max_pool_3x3")
"""In the official order: the number of an operation in an arc is its place here."""


def skip_candidates(layer: int) -> tuple[str, ...]:
    """List the outputs that a layer may skip to: all that come before its input.

    Args:
        layer: the number of the layer, from 0.

    Returns:
        `layer` names: "stem", "layer_0", .. in their order.
    """
    return ("stem", *(f"layer_{earlier}" for earlier in range(layer)))[:layer]


class ENASMacroSpace(Space):
    """The networks of ENAS, `{"layers": [{"op": .., "skips": ["stem", "layer_0", ..]}, ..]}`.

    The authors write a member as an arc: the number of the operation of each layer, then 0 or 1 for every skip.

    Args:
        layers: the number of layers, at least 1.

    Raises:
        SpaceError: `layers` is no such number.
    """

    declared: dict[str, Any]

    def __init__(self, layers: int = 12) -> None:
        if not is_whole(layers, 1):
            raise SpaceError(f"space 'enas_macro': layers={layers!r}; it is a whole number of at least 1")
        declared: list[dict[str, object]] = []
        for index in range(layers):
            candidates = list(skip_candidates(index))
            skips = subset(candidates, (0, index)) if candidates else const([])
            declared.append({"op": choice(*OPERATIONS), "skips": skips})
        super().__init__({"layers": declared}, name="enas_macro")

    @property
    def layers(self) -> int:
        """The number of layers of a network."""
        return len(self.declared["layers"])

    def from_arc(self, text: str) -> Architecture:
        """Read the network of an arc.

        Args:
            text: the numbers, separated by white space.

        Returns:
            The member.

        Raises:
            ArchitectureError: it is not text, has another number of numbers, or a number is out of its range; the
                message
                gives the index of that number.
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
            operation = read_number(numbers, place, len(OPERATIONS), f"layers.{index}.op")
            place += 1
            skips: list[Json] = []
            for candidate in skip_candidates(index):
                if read_number(numbers, place, 2, f"layers.{index}.skips"):
                    skips.append(candidate)
                place += 1
            layers.append({"op": OPERATIONS[operation], "skips": skips})
        return self.validate({"layers": layers})

    def to_arc(self, architecture: object) -> str:
        """Write a network as an arc; the inverse of `from_arc`.

        Args:
            architecture: a member, or its tree.

        Returns:
            The numbers, one line for each layer.

        Raises:
            ArchitectureError: it is not a member.
        """
        lines: list[str] = []
        for index, layer in enumerate(self.validate(architecture)["layers"]):
            flags = [int(candidate in layer["skips"]) for candidate in skip_candidates(index)]
            lines.append(" ".join(map(str, [OPERATIONS.index(layer["op"]), *flags])))
        return "\n".join(lines)

    def graphs(self, architecture: object) -> tuple[Graph, ...]:
        """Draw the layers in a row; a vertex that concatenates follows each layer with skips."""
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


def space(layers: int = 12) -> ENASMacroSpace:
    """Make the space of ENAS, or one of another depth.

    Args:
        layers: the number of layers, at least 1.

    Returns:
        The space.

    Raises:
        SpaceError: `layers` is no such number.
    """
    return ENASMacroSpace(layers)
