"""Networks of the `ft_transformer` space: FT-Transformer of Gorishniy et al. 2021 (arXiv 2106.11959).

Each column becomes a token: a number scales a vector of its column, a category has a vector of its own, and each column
adds a bias. Blocks normalise before they compute, but for the first attention, which sees the tokens as they are. The
logits follow from one more token, through a normalisation, ReLU and a linear map.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from search_spaces.errors import ArchitectureError
from trainables.networks.attention import SelfAttention
from trainables.networks.base import number, share, tree_of
from trainables.networks.examples import features
from trainables.networks.family import Family
from trainables.networks.tabular import CategoryRows, MixedRows, check_columns

if TYPE_CHECKING:
    from search_spaces.architecture import Architecture

__all__ = ["FAMILY", "FTTransformer", "build_ft_transformer"]

_MULTIPLE = 8
"""The width of a gated layer is rounded to a multiple of this."""


def build_ft_transformer(
    architecture: Architecture | Mapping[str, Any],
    *,
    num_classes: int,
    num_features: int = 64,
    cardinalities: Sequence[int] = (),
) -> nn.Module:
    """Build the network of one member.

    Args:
        architecture: a member of `ft_transformer`, or its tree.
        num_classes: number of logits.
        num_features: numbers in a row of the table; 0 is allowed where there are categories.
        cardinalities: the number of codes of each column of categories.

    Returns:
        Rows (n, num_features) to logits (n, num_classes). With `cardinalities` it takes the numbers and the codes of
        the categories (n, columns), int64, in this order or by the names `numbers` and `categories`.

    Raises:
        TrainableError: a number of features or codes is not a whole number above 0.
        ArchitectureError: a decision breaks the form; the message gives the path.
    """
    check_columns(num_features, cardinalities)
    tree = tree_of(architecture)
    width = number(tree, "width", "", whole=True)
    attention, inside = share(tree, "attention_dropout", ""), share(tree, "ffn_dropout", "")
    residual = share(tree, "residual_dropout", "")
    decided = tree.get("blocks")
    if not isinstance(decided, list) or not decided:
        raise ArchitectureError("blocks", f"{decided!r} is not a list of at least one block")
    blocks: list[nn.Module] = []
    for index, block in enumerate(decided):
        heads = number(block, "heads", f"blocks.{index}", whole=True)
        if width % heads:
            raise ArchitectureError(f"blocks.{index}.heads", f"{heads} heads do not divide {width} values")
        hidden = width * number(block, "ffn_ratio", f"blocks.{index}")
        mixing = SelfAttention(width, heads, width // heads, dropout=attention)
        gated = Gated(width, max(_MULTIPLE, round(hidden / _MULTIPLE) * _MULTIPLE), dropout=inside)
        blocks.append(Block(width, mixing, gated, dropout=residual, is_first=index == 0))
    network = FTTransformer(blocks, nn.Linear(width, num_classes))
    numbers, categories = NumberTokens(num_features, width), CategoryTokens(cardinalities, width)
    if not cardinalities:
        return nn.Sequential(numbers, network)
    return MixedRows(numbers, categories, network) if num_features else CategoryRows(categories, network)


def _drawn(*shape: int) -> nn.Parameter:
    """Weights from a uniform distribution, whose bounds follow from the width of a token, as in the paper."""
    bound = 1 / math.sqrt(shape[-1])
    return nn.Parameter(torch.empty(shape).uniform_(-bound, bound))


class NumberTokens(nn.Module):
    """Numbers (n, columns) to tokens (n, columns, width).

    Args:
        columns: numbers in a row.
        width: values of a token.
    """

    def __init__(self, columns: int, width: int) -> None:
        super().__init__()
        self.scale, self.bias = _drawn(columns, width), _drawn(columns, width)

    def forward(self, numbers: Tensor) -> Tensor:
        return numbers.unsqueeze(2) * self.scale + self.bias


class CategoryTokens(nn.Module):
    """Codes (n, columns), int64, to tokens (n, columns, width).

    Args:
        cardinalities: the number of codes of each column.
        width: values of a token.
    """

    def __init__(self, cardinalities: Sequence[int], width: int) -> None:
        super().__init__()
        columns = [nn.Embedding(count, width, padding_idx=0) for count in cardinalities]
        for column in columns:
            nn.init.uniform_(column.weight[1:], -1 / math.sqrt(width), 1 / math.sqrt(width))
        self.columns = nn.ModuleList(columns)
        self.bias = _drawn(len(cardinalities), width)

    def forward(self, categories: Tensor) -> Tensor:
        tokens = [column(categories[:, index]) for index, column in enumerate(self.columns)]
        return torch.stack(tokens, dim=1) + self.bias


class Gated(nn.Module):
    """ReGLU (Shazeer 2020, arXiv 2002.05202): (.., width) to (.., width).

    Args:
        width: values of a token.
        hidden: values of the gated layer.
        dropout: probability of dropping one of these.
    """

    def __init__(self, width: int, hidden: int, *, dropout: float) -> None:
        super().__init__()
        self.inner = nn.Linear(width, 2 * hidden)
        self.dropout = nn.Dropout(dropout)
        self.outer = nn.Linear(hidden, width)

    def forward(self, x: Tensor) -> Tensor:
        values, gates = self.inner(x).chunk(2, dim=-1)
        outputs: Tensor = self.outer(self.dropout(values * functional.relu(gates)))
        return outputs


class Block(nn.Module):
    """(n, t, width) to (n, t, width): x + attention(norm(x)), then x + gated(norm(x)).

    Args:
        width: values of a token.
        attention: (n, t, width) to (n, t, width).
        gated: (n, t, width) to (n, t, width).
        dropout: probability of dropping a value that one of the two adds.
        is_first: leaves out the first normalisation.
    """

    def __init__(self, width: int, attention: nn.Module, gated: nn.Module, *, dropout: float, is_first: bool) -> None:
        super().__init__()
        self.attention_norm = nn.Identity() if is_first else nn.LayerNorm(width)
        self.attention, self.gated_norm, self.gated = attention, nn.LayerNorm(width), gated
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.dropout(self.attention(self.attention_norm(x)))
        total: Tensor = x + self.dropout(self.gated(self.gated_norm(x)))
        return total


class FTTransformer(nn.Module):
    """Tokens (n, columns, width) to (n, num_classes) logits.

    Args:
        blocks: each (n, 1 + columns, width) to the same shape.
        classifier: the last layer.
    """

    def __init__(self, blocks: list[nn.Module], classifier: nn.Linear) -> None:
        super().__init__()
        self.first = _drawn(1, 1, classifier.in_features)
        self.blocks, self.classifier = nn.Sequential(*blocks), classifier
        self.norm = nn.LayerNorm(classifier.in_features)

    def forward(self, tokens: Tensor) -> Tensor:
        seen = self.blocks(torch.cat([self.first.expand(tokens.shape[0], -1, -1), tokens], dim=1))
        logits: Tensor = self.classifier(functional.relu(self.norm(seen[:, 0])))
        return logits


FAMILY = Family(build_ft_transformer, features, undecided=False)
