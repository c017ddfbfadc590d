"""Networks of the `mlp` space: fully connected layers for tables.

A layer is a linear map, a normalisation (or none), an activation and dropout. With `skip` a layer adds its input,
through a linear map without bias where the widths differ. The last layer is linear. In training, batch normalisation
needs at least two rows. Columns of categories become learned vectors, behind the numbers of the row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from torch import Tensor, nn

from search_spaces.catalogue.mlp import NORMS
from search_spaces.errors import ArchitectureError
from search_spaces.whole_numbers import is_whole
from trainables.networks.base import option, share, tree_of
from trainables.networks.examples import features
from trainables.networks.family import Family
from trainables.networks.tabular import check_columns, embedding_widths, with_vectors

if TYPE_CHECKING:
    from search_spaces.architecture import Architecture

__all__ = ["FAMILY", "MLP", "build_mlp"]

ACTIVATIONS: dict[str, type[nn.Module]] = {
    "relu": nn.ReLU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "tanh": nn.Tanh,
    "selu": nn.SELU,
}


def build_mlp(
    architecture: Architecture | Mapping[str, Any],
    *,
    num_classes: int,
    num_features: int = 64,
    cardinalities: Sequence[int] = (),
    embedding: int | None = None,
) -> nn.Module:
    """Build the network of one member.

    Args:
        architecture: a member of `mlp`, or its tree.
        num_classes: number of logits.
        num_features: numbers in a row of the table; 0 is allowed where there are categories.
        cardinalities: the number of codes of each column of categories.
        embedding: the width of the vector of each category; None grows it with the cardinality (`embedding_widths`).

    Returns:
        Rows (n, num_features) to logits (n, num_classes). With `cardinalities` it takes the numbers and the codes of
        the categories (n, columns), int64, in this order or by the names `numbers` and `categories`.

    Raises:
        TrainableError: a number of features, codes or values is not a whole number above 0.
        ArchitectureError: a layer breaks the form; the message gives the path.
    """
    check_columns(num_features, cardinalities)
    widths = embedding_widths(cardinalities, embedding)
    tree = tree_of(architecture)
    layers = tree.get("layers")
    if not isinstance(layers, list) or not layers:
        raise ArchitectureError("layers", f"{layers!r} is not a list of at least one layer")
    skip = option(tree, "skip", (False, True), "")
    modules, inputs = [], num_features + sum(widths)
    for index, layer in enumerate(layers):
        modules.append(_layer(inputs, layer, f"layers.{index}", skip=skip))
        inputs = layer["width"]
    network = MLP(modules, nn.Linear(inputs, num_classes))
    return with_vectors(network, num_features, cardinalities, widths)


def _layer(inputs: int, layer: Mapping[str, Any], path: str, *, skip: bool) -> nn.Module:
    width = layer.get("width")
    if not is_whole(width, 1):
        raise ArchitectureError(f"{path}.width", f"{width!r} is not allowed; it is a number of 1 or more")
    dropout = share(layer, "dropout", path)
    norm = option(layer, "norm", NORMS, path)
    activation = ACTIVATIONS[option(layer, "activation", tuple(ACTIVATIONS), path)]
    parts: list[nn.Module] = [nn.Linear(inputs, width)]
    if norm != "none":
        parts.append(nn.BatchNorm1d(width) if norm == "batch" else nn.LayerNorm(width))
    parts.append(activation())
    if dropout:
        parts.append(nn.Dropout(dropout))
    made = nn.Sequential(*parts)
    return SkipLayer(made, inputs, width) if skip else made


class SkipLayer(nn.Module):
    """f(x) + x.

    Args:
        layer: f, (n, inputs) to (n, width).
        inputs: width of the input.
        width: width of the output.
    """

    def __init__(self, layer: nn.Module, inputs: int, width: int) -> None:
        super().__init__()
        self.layer = layer
        self.shortcut = nn.Identity() if inputs == width else nn.Linear(inputs, width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        value: Tensor = self.layer(x) + self.shortcut(x)
        return value


class MLP(nn.Module):
    """Rows (n, num_features) to (n, num_classes) logits.

    Args:
        layers: the layers before the last one.
        classifier: the last layer.
    """

    def __init__(self, layers: list[nn.Module], classifier: nn.Linear) -> None:
        super().__init__()
        self.layers = nn.Sequential(*layers)
        self.classifier = classifier

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.classifier(self.layers(x))
        return logits


FAMILY = Family(build_mlp, features, undecided=False)
