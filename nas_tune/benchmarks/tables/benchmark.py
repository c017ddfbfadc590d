"""The port of a tabular task: what is known of an architecture at every fidelity, without training it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from nas_tune.errors import ConfigError
from search_spaces import Architecture

__all__ = ["Benchmark", "Curve", "Fidelity", "parse_fidelity"]

_FIDELITY = re.compile(r"(\d+):([^:]+):([^:]+)")


@dataclass(frozen=True, slots=True)
class Fidelity:
    """A number of epochs, and the columns of the value after them and of the seconds from the start until then."""

    epoch: int
    value: str
    cost: str


@dataclass(frozen=True, slots=True)
class Curve:
    """What is known of one architecture.

    Attributes:
        values: the metric at each fidelity.
        seconds: the time from the start of the training to each fidelity, not falling.
    """

    values: Sequence[float]
    seconds: Sequence[float]


class Benchmark(Protocol):
    """Answers about the architectures of one space."""

    epochs: tuple[int, ...]
    """The fidelities, rising."""

    def curve(self, architecture: Architecture, seed: int) -> Curve:
        """The curve of an architecture; `seed` chooses among repeated trainings where there are several.

        Raises:
            ArchitectureError: the table does not know it.
        """

    def test(self, architecture: Architecture) -> float | None:
        """The score on data that no search sees, None where there is none."""

    def best(self, mode: Literal["max", "min"], judged_by: Literal["test", "validation"]) -> float | None:
        """The best score that any architecture has after the last fidelity; None where that cannot be told.

        For the regret of a bench, which asks when all races are over.
        """


def parse_fidelity(text: str) -> Fidelity:
    """`"12:c10_val_12:c10_cost_12_s"` as a fidelity."""
    match = _FIDELITY.fullmatch(text)
    if match is None or int(match[1]) < 1:
        raise ConfigError(f"fidelity {text!r}: write EPOCHS:VALUE_COLUMN:COST_COLUMN, as in 12:val_12:seconds_12")
    return Fidelity(int(match[1]), match[2], match[3])
