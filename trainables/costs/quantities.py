"""What a network costs: the quantities that a search can limit or optimize, their units, and values written with units.

    read_value("latency", "5ms")     5.0, in milliseconds
    write_value("size", 1_048_576)   "1 MiB"

A value has one unit wherever it is kept: a table, a ledger, a file. Only texts have others.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from trainables.errors import TrainableError
from trainables.metrics import Metric

__all__ = ["QUANTITIES", "Quantity", "Rung", "read_value", "write_value"]

Rung = Literal["counted", "predicted", "measured"]
"""How a value is found, from the cheapest to the dearest way."""

_COUNTS = {"": 1.0, "k": 1e3, "M": 1e6, "G": 1e9, "B": 1e9}
_BYTES = {"B": 1.0, "kB": 1e3, "KB": 1e3, "MB": 1e6, "GB": 1e9, "KiB": 2.0**10, "MiB": 2.0**20, "GiB": 2.0**30}
_TIMES = {"us": 1e-3, "µs": 1e-3, "ms": 1.0, "s": 1e3}
_ENERGIES = {"uJ": 1e-3, "µJ": 1e-3, "mJ": 1.0, "J": 1e3}
_RATES = {"fps": 1.0, "/s": 1.0, "Hz": 1.0}
_TEXT = re.compile(r"\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*([^\s\d]*)\s*")
_WRITTEN = {
    "bytes": (("B", 1.0), ("KiB", 2.0**10), ("MiB", 2.0**20), ("GiB", 2.0**30)),
    "counts": (("", 1.0), ("k", 1e3), ("M", 1e6), ("G", 1e9)),
}


@dataclass(frozen=True, slots=True)
class Quantity:
    """A cost of a network.

    Attributes:
        metric: its name, its mode, and the unit in which values are kept.
        rung: the cheapest way to its true value: counted without running the network, or measured on a device.
        units: the factor to the kept unit, by the name of a unit. The empty name is a number without a unit.
        about: what it is, in a few words.
    """

    metric: Metric
    rung: Literal["counted", "measured"]
    units: Mapping[str, float]
    about: str

    @property
    def name(self) -> str:
        """The name of the quantity, such as "latency"."""
        return self.metric.name


QUANTITIES: Mapping[str, Quantity] = {
    one.name: one
    for one in (
        Quantity(Metric("parameters", "min", low=0), "counted", _COUNTS, "trainable weights"),
        Quantity(Metric("macs", "min", low=0), "counted", _COUNTS, "multiply-accumulates for one example"),
        Quantity(Metric("size", "min", "B", low=0), "counted", _BYTES, "bytes of weights and buffers"),
        Quantity(
            Metric("peak_memory", "min", "B", low=0), "counted", _BYTES, "most bytes of values alive at the same time"
        ),
        Quantity(Metric("flash", "min", "B", low=0), "counted", _BYTES, "bytes of the weights in int8"),
        Quantity(
            Metric("sram", "min", "B", low=0), "counted", _BYTES, "most bytes of int8 values alive at the same time"
        ),
        Quantity(Metric("latency", "min", "ms", low=0), "measured", _TIMES, "time for one batch"),
        Quantity(Metric("energy", "min", "mJ", low=0), "measured", _ENERGIES, "energy for one batch"),
        Quantity(Metric("throughput", "max", "/s", low=0), "measured", _RATES, "examples in a second"),
    )
}
"""Every quantity by its name."""


def read_value(name: str, value: object) -> float:
    """Read the value of a quantity.

    Args:
        name: of the quantity, a key of `QUANTITIES`.
        value: a number in the kept unit, or a text with a unit, such as "5ms", "100k" or "1MiB".

    Returns:
        The value in the kept unit.

    Raises:
        TrainableError: it is neither, its unit does not belong to the quantity, or it is not a number above 0.
    """
    quantity = QUANTITIES[name]
    number = _number(quantity, value)
    if not math.isfinite(number) or number <= 0:
        raise TrainableError(f"{name}: got {value!r}, expected a number above 0, {_example(quantity)}")
    return number


def write_value(name: str, value: float, digits: int = 4) -> str:
    """Write the value of a quantity for people, with its unit.

    Args:
        name: of the quantity; any other name gives the plain number.
        value: in the kept unit.
        digits: the most significant digits.

    Returns:
        The text, such as "1.5 ms", "73.6 k" or "256 KiB".
    """
    quantity = QUANTITIES.get(name)
    if quantity is None:
        return f"{value:.{digits}g}"
    steps = _WRITTEN["bytes"] if quantity.units is _BYTES else _WRITTEN["counts"] if quantity.units is _COUNTS else ()
    unit, factor = quantity.metric.unit, 1.0
    for larger, size in steps:
        if abs(value) >= size:
            unit, factor = larger, size
    return f"{value / factor:.{digits}g} {unit}".rstrip()


def _number(quantity: Quantity, value: object) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    match = _TEXT.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise TrainableError(f"{quantity.name}: got {value!r}, expected a number with a unit, {_example(quantity)}")
    unit = match[2]
    if unit == "" and quantity.units is not _COUNTS:
        raise TrainableError(f"{quantity.name}: {value!r} has no unit; write one of {_units(quantity)}")
    factor = quantity.units.get(unit)
    if factor is None:
        raise TrainableError(
            f"{quantity.name}: {value!r} has the unit {unit!r}; it must be one of {_units(quantity)}, "
            f"{_example(quantity)}"
        )
    return float(match[1]) * factor


def _units(quantity: Quantity) -> str:
    return ", ".join(unit or "none" for unit in quantity.units)


def _example(quantity: Quantity) -> str:
    examples = {"": "100k", "B": "256KiB", "ms": "5ms", "mJ": "3mJ", "/s": "30fps"}
    return f"such as {examples[quantity.metric.unit]!r}"
