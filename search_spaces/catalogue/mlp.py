"""`mlp`: networks of fully connected layers for tables, after the spaces of Auto-PyTorch (Zimmer et al. 2021, arXiv
2006.13799), of regularised MLPs (Kadra et al. 2021, 2106.11189) and the baselines of Gorishniy et al. 2021
(2106.11959).

    {"layers": [{"width": 128, "activation": "relu", "norm": "batch", "dropout": 0.1}, ..], "skip": False}

A network has one to eight layers, each with its width (16 to 512, drawn on a logarithmic scale), activation,
normalisation and dropout. With `skip` each layer adds its input to its output, through a linear map where the widths
differ. Every decision changes the network, so there is no canonical form. One layer has 497 * 5 * 3 * 6 = 44,730 forms,
so the space has 2 * (44730 + 44730^2 + .. + 44730^8) members.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from search_spaces.catalogue.settings import check_names, check_shares
from search_spaces.errors import SpaceError
from search_spaces.graphs.graph import Edge, Graph, Vertex
from search_spaces.graphs.outline import chain_graph
from search_spaces.parameters import choice, integer, repeat
from search_spaces.space import Space
from search_spaces.whole_numbers import is_whole

__all__ = ["ACTIVATIONS", "DROPOUTS", "NORMS", "MLPSpace", "space"]

ACTIVATIONS = ("relu", "gelu", "silu", "tanh", "selu")
NORMS = ("none", "batch", "layer")
DROPOUTS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5)


class MLPSpace(Space):
    """Multilayer perceptrons."""

    def graphs(self, architecture: object) -> tuple[Graph, ...]:
        """Draw one graph, a vertex a layer; with `skip`, a vertex `+` follows each layer."""
        tree: Any = self.validate(architecture)._tree
        blocks = [(f"layers.{index}", _label(layer)) for index, layer in enumerate(tree["layers"])]
        if not tree["skip"]:
            return (chain_graph("mlp", blocks),)
        vertices, edges = [Vertex("<input>", "input", "input")], []
        for name, label in blocks:
            before, joint = vertices[-1].name, f"{name}.+"
            vertices += [Vertex(name, label, "operation"), Vertex(joint, "+", "state")]
            edges += [Edge(before, name), Edge(name, joint), Edge(before, joint)]
        edges.append(Edge(vertices[-1].name, "<output>"))
        return (Graph("mlp", (*vertices, Vertex("<output>", "output", "output")), tuple(edges)),)


def _label(layer: dict[str, Any]) -> str:
    norm = f", {layer['norm']} norm" if layer["norm"] != "none" else ""
    dropout = f", dropout {layer['dropout']:g}" if layer["dropout"] else ""
    return f"linear {layer['width']}{norm}, {layer['activation']}{dropout}"


def space(
    *,
    min_width: int = 16,
    max_width: int = 512,
    max_layers: int = 8,
    activations: Sequence[str] = ACTIVATIONS,
    norms: Sequence[str] = NORMS,
    dropouts: Sequence[float] = DROPOUTS,
) -> MLPSpace:
    """Make the space above, or one of the same shape with other options.

    Args:
        min_width, max_width: the least and the greatest number of units of a layer.
        max_layers: the greatest number of layers.
        activations: the names of the activations.
        norms: the names of the normalisations.
        dropouts: the shares of units that dropout sets to zero, from 0 to below 1.

    Returns:
        The space.

    Raises:
        SpaceError: a width or a number of layers is not a whole number of at least 1, or a dropout is out of its range.
    """
    for name, value, least in (("min_width", min_width, 1), ("max_layers", max_layers, 1)):
        if not is_whole(value, least):
            raise SpaceError(f"{name} {value!r}: it is a whole number of at least {least}; raise it")
    check_names("activations", activations, ACTIVATIONS, known=False)
    check_names("norms", norms, NORMS, known=False)
    check_shares("dropouts", dropouts, DROPOUTS)
    layer = {
        "width": integer(min_width, max_width, log=True),
        "activation": choice(*activations),
        "norm": choice(*norms),
        "dropout": choice(*dropouts),
    }
    return MLPSpace({"layers": repeat(layer, 1, max_layers), "skip": choice(False, True)}, name="mlp")
