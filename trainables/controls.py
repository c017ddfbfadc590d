"""Controls: simple models beside a search, whose scores say what the search was worth.

A task computes them once, when a search begins. A run keeps each as a note, a line of text, so that reading a run
trains nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

__all__ = ["Control", "Controlled", "read_control"]

_LINE = re.compile(r"control (?P<name>[^:]+): (?P<parts>.*); (?P<seconds>[0-9.e+-]+) CPU seconds")
_PART = re.compile(r"(?P<part>\w+) (?P<values>\w+=\S+(?: \w+=\S+)*)")


@dataclass(frozen=True, slots=True)
class Control:
    """The scores of one control.

    Attributes:
        name: such as "HistGradientBoosting".
        scores: the metrics by name, by the part of the data.
        seconds: the CPU seconds that it took.
        failure: why there are no scores; empty where there are some.
    """

    name: str
    scores: Mapping[str, Mapping[str, float]]
    seconds: float = 0.0
    failure: str = field(default="", compare=False)

    def line(self) -> str:
        """Write the control as a note.

        Returns:
            One line, which `read_control` reads unless the control failed.
        """
        if self.failure:
            return f"control {self.name} failed: {self.failure}"
        parts = []
        for part, values in self.scores.items():
            parts.append(f"{part} " + " ".join(f"{name}={value:.6g}" for name, value in values.items()))
        return f"control {self.name}: {', '.join(parts)}; {self.seconds:.3g} CPU seconds"


@runtime_checkable
class Controlled(Protocol):
    """A task, or a trainable, that has controls."""

    def controls(self) -> Sequence[Control]:
        """Compute the controls, on the same rows as every training. This may take seconds.

        Returns:
            The controls in the order in which people should see them.
        """


def read_control(text: str) -> Control | None:
    """Read a control from a note.

    Args:
        text: the note.

    Returns:
        The control; None where the note is about something else.
    """
    line = _LINE.fullmatch(text)
    if line is None:
        return None
    scores: dict[str, dict[str, float]] = {}
    try:
        for part in line["parts"].split(", "):
            found = _PART.fullmatch(part)
            if found is None:
                return None
            pairs = (pair.split("=") for pair in found["values"].split(" "))
            scores[found["part"]] = {name: float(value) for name, value in pairs}
        return Control(line["name"], scores, float(line["seconds"]))
    except ValueError:
        return None
