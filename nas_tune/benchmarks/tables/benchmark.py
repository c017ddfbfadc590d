"""The port of a tabular task: the metric and the cost of an architecture at every fidelity, without training it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from nas_tune.errors import ConfigError
from search_spaces import Architecture

__all__ = ["Benchmark", "Curve", "Fidelity", "parse_fidelity"]

_FIDELITY = re.compile(r"(\d+):([^:]+):([^:]+)")


@dataclass(frozen=True, slots=True)
class Fidelity:
    """A fidelity of a table, with its columns.

    Attributes:
        epoch: the number of epochs.
        value: the column of the metric after them.
        cost: the column of the seconds from the start of the training until then.
    """

    epoch: int
    value: str
    cost: str


@dataclass(frozen=True, slots=True)
class Curve:
    """The learning curve of one architecture.

    Attributes:
        values: the metric at each fidelity.
        seconds: the time from the start of the training to each fidelity, never falling.
    """

    values: Sequence[float]
    seconds: Sequence[float]


class Benchmark(Protocol):
    """Gives the known results of the architectures of one space."""

    epochs: tuple[int, ...]
    """The fidelities in epochs, rising."""

    def curve(self, architecture: Architecture, seed: int) -> Curve:
        """Look up the learning curve of an architecture.

        Args:
            architecture: of the space.
            seed: chooses among repeated trainings, where there are several.

        Returns:
            The curve, with a value for each fidelity.

        Raises:
            ArchitectureError: the table has no row for the architecture.
        """

    def test(self, architecture: Architecture) -> float | None:
        """Look up the score on data that no search sees.

        Args:
            architecture: of the space.

        Returns:
            The score; None where there is none.
        """

    def costs(self, architecture: Architecture) -> Mapping[str, float]:
        """Look up what the architecture costs.

        Args:
            architecture: of the space.

        Returns:
            The costs that the table has, by name.
        """

    def best(self, mode: Literal["max", "min"], judged_by: Literal["test", "validation"]) -> float | None:
        """Find the best score of any architecture after the last fidelity. The regret of races needs it.

        Args:
            mode: whether more is better.
            judged_by: which score counts.

        Returns:
            The score; None where it is not known.
        """


def parse_fidelity(text: str) -> Fidelity:
    """Parse a text such as `"12:c10_val_12:c10_cost_12_s"`.

    Args:
        text: EPOCHS:VALUE_COLUMN:COST_COLUMN.

    Returns:
        The fidelity.

    Raises:
        ConfigError: the text has another form, or no epoch.
    """
    match = _FIDELITY.fullmatch(text)
    if match is None or int(match[1]) < 1:
        raise ConfigError(f"fidelity {text!r}: write EPOCHS:VALUE_COLUMN:COST_COLUMN, as in 12:val_12:seconds_12")
    return Fidelity(int(match[1]), match[2], match[3])
