"""The inputs of networks for tables: numbers, and categories that become learned vectors.

A row has numbers (n, num_features), float32, and the codes of its categories (n, columns), int64: each at least 0 and
below the cardinality of its column. Code 0 stands for categories that training has not seen; its vector is zero.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from search_spaces.whole_numbers import is_whole
from trainables.errors import TrainableError
from trainables.settings import check_number

__all__ = ["CategoryRows", "MixedRows", "Vectors", "check_columns", "embedding_widths", "with_vectors"]


def check_columns(num_features: int, cardinalities: Sequence[int]) -> None:
    """Check the shape of a row.

    Args:
        num_features: numbers in a row.
        cardinalities: the number of codes of each column of categories.

    Raises:
        TrainableError: one is not a whole number above 0, or a row has neither numbers nor categories.
    """
    if isinstance(cardinalities, str) or not isinstance(cardinalities, Sequence):
        raise TrainableError(
            f"cardinalities is {cardinalities!r}; it must be a list of numbers of codes, such as [3, 12]"
        )
    for cardinality in cardinalities:
        if not is_whole(cardinality, 1):
            raise TrainableError(
                f"cardinalities is {list(cardinalities)!r}; {cardinality!r} is not a number of codes: give whole "
                "numbers of at least 1"
            )
    check_number("num_features", num_features, 0 if cardinalities else 1, whole=True)


def embedding_widths(cardinalities: Sequence[int], embedding: int | None) -> list[int]:
    """Choose the width of the vectors of each column: 1.6 * cardinality^0.56, between 2 and 50.

    Args:
        cardinalities: the number of codes of each column.
        embedding: the width for all columns; None chooses by the cardinality.

    Returns:
        One number of values for each column.

    Raises:
        TrainableError: `embedding` is not a whole number above 0.
    """
    if embedding is not None:
        check_number("embedding", embedding, 1, whole=True)
        return [embedding] * len(cardinalities)
    return [max(2, min(50, round(1.6 * cardinality**0.56))) for cardinality in cardinalities]


class Vectors(nn.Module):
    """Codes (n, columns), int64, to one vector for each row (n, the sum of the widths).

    Args:
        cardinalities: the number of codes of each column.
        widths: the width of the vectors of each column.
    """

    def __init__(self, cardinalities: Sequence[int], widths: Sequence[int]) -> None:
        super().__init__()
        sizes = zip(cardinalities, widths, strict=True)
        self.columns = nn.ModuleList(nn.Embedding(count, width, padding_idx=0) for count, width in sizes)

    def forward(self, categories: Tensor) -> Tensor:
        return torch.cat([column(categories[:, index]) for index, column in enumerate(self.columns)], dim=1)


class MixedRows(nn.Module):
    """A network for rows of numbers and categories.

    Args:
        numbers: (n, num_features), float32, to (n, a, ..).
        categories: (n, columns), int64, to (n, b, ..).
        network: (n, a + b, ..) to (n, outputs).
    """

    def __init__(self, numbers: nn.Module, categories: nn.Module, network: nn.Module) -> None:
        super().__init__()
        self.numbers, self.categories, self.network = numbers, categories, network

    def forward(self, numbers: Tensor, categories: Tensor) -> Tensor:
        row = torch.cat([self.numbers(numbers), self.categories(categories)], dim=1)
        outputs: Tensor = self.network(row)
        return outputs


class CategoryRows(nn.Module):
    """A network for rows of categories alone.

    Args:
        categories: (n, columns), int64, to (n, b, ..).
        network: (n, b, ..) to (n, outputs).
    """

    def __init__(self, categories: nn.Module, network: nn.Module) -> None:
        super().__init__()
        self.categories, self.network = categories, network

    def forward(self, categories: Tensor) -> Tensor:
        outputs: Tensor = self.network(self.categories(categories))
        return outputs


def with_vectors(
    network: nn.Module, num_features: int, cardinalities: Sequence[int], widths: Sequence[int]
) -> nn.Module:
    """Put a vector for each category behind the numbers that a network gets.

    Args:
        network: (n, num_features + the widths of all vectors) to (n, outputs).
        num_features: numbers in a row.
        cardinalities: the number of codes of each column of categories.
        widths: the width of the vectors of each column.

    Returns:
        A network of numbers and categories, or of categories alone; the network itself where there are no categories.
    """
    if not cardinalities:
        return network
    vectors = Vectors(cardinalities, widths)
    return MixedRows(nn.Identity(), vectors, network) if num_features else CategoryRows(vectors, network)
