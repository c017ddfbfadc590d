"""Networks of the `resnet_mlp` space: the ResNet for tables of Gorishniy et al. 2021 (arXiv 2106.11959).

A linear map brings the row to `width` values. Each block adds dropout(linear(dropout(activation(linear(norm(x)))))) to
its input x. Behind the last block come a normalisation, an activation and a linear map. In training, batch
normalisation needs at least two rows. Columns of categories become learned vectors, behind the numbers of the row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from torch import Tensor, nn

from search_spaces.catalogue.resnet_mlp import ACTIVATIONS, NORMS
from search_spaces.errors import ArchitectureError
from trainables.networks.base import number, option, share, tree_of
from trainables.networks.examples import features
from trainables.networks.family import Family
from trainables.networks.mlp import ACTIVATIONS as MODULES
from trainables.networks.tabular import check_columns, embedding_widths, with_vectors

if TYPE_CHECKING:
    from search_spaces.architecture import Architecture

__all__ = ["FAMILY", "ResNetMLP", "build_resnet_mlp"]


def build_resnet_mlp(
    architecture: Architecture | Mapping[str, Any],
    *,
    num_classes: int,
    num_features: int = 64,
    cardinalities: Sequence[int] = (),
    embedding: int | None = None,
) -> nn.Module:
    """Build the network of one member.

    Args:
        architecture: a member of `resnet_mlp`, or its tree.
        num_classes: number of logits.
        num_features: numbers in a row of the table; 0 is allowed where there are categories.
        cardinalities: the number of codes of each column of categories.
        embedding: the width of the vector of each category; None grows it with the cardinality (`embedding_widths`).

    Returns:
        Rows (n, num_features) to logits (n, num_classes). With `cardinalities` it takes the numbers and the codes of
        the categories (n, columns), int64, in this order or by the names `numbers` and `categories`.

    Raises:
        TrainableError: a number of features, codes or values is not a whole number above 0.
        ArchitectureError: a decision breaks the form; the message gives the path.
    """
    check_columns(num_features, cardinalities)
    widths = embedding_widths(cardinalities, embedding)
    tree = tree_of(architecture)
    width = number(tree, "width", "", whole=True)
    activation = MODULES[option(tree, "activation", ACTIVATIONS, "")]
    norm = nn.BatchNorm1d if option(tree, "norm", NORMS, "") == "batch" else nn.LayerNorm
    dropout, residual = share(tree, "dropout", ""), share(tree, "residual_dropout", "")
    decided = tree.get("blocks")
    if not isinstance(decided, list) or not decided:
        raise ArchitectureError("blocks", f"{decided!r} is not a list of at least one block")
    blocks: list[nn.Module] = []
    for index, block in enumerate(decided):
        hidden = max(1, round(width * number(block, "hidden_ratio", f"blocks.{index}")))
        inside = [norm(width), nn.Linear(width, hidden), activation(), nn.Dropout(dropout), nn.Linear(hidden, width)]
        blocks.append(Residual(nn.Sequential(*inside, nn.Dropout(residual))))
    head = nn.Sequential(norm(width), activation(), nn.Linear(width, num_classes))
    network = ResNetMLP(nn.Linear(num_features + sum(widths), width), blocks, head)
    return with_vectors(network, num_features, cardinalities, widths)


class Residual(nn.Module):
    """x + f(x).

    Args:
        branch: f, (n, width) to (n, width).
    """

    def __init__(self, branch: nn.Module) -> None:
        super().__init__()
        self.branch = branch

    def forward(self, x: Tensor) -> Tensor:
        total: Tensor = x + self.branch(x)
        return total


class ResNetMLP(nn.Module):
    """Rows (n, num_features) to (n, num_classes) logits.

    Args:
        stem: (n, num_features) to (n, width).
        blocks: each (n, width) to (n, width).
        head: (n, width) to (n, num_classes).
    """

    def __init__(self, stem: nn.Module, blocks: list[nn.Module], head: nn.Module) -> None:
        super().__init__()
        self.stem, self.blocks, self.head = stem, nn.Sequential(*blocks), head

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.head(self.blocks(self.stem(x)))
        return logits


FAMILY = Family(build_resnet_mlp, features, undecided=False)
