"""The measurement of networks on a device: repeatable under load, because the networks take turns.

    subjects = {"small": lambda: (network, images), "other": Path("model.onnx")}
    for one in measure(subjects, Device(threads=1), ("latency", "throughput")):
        print(one.name, one.quantity, one.value, (one.low, one.high))

The protocol: several rounds; in each round every subject runs in a new random order, once for warm-up and then a few
times that count. Other load of the machine then meets all subjects alike. The value is the quantile at 10 % of the
counted runs: what disturbs a run makes it longer, so the low ones tell the network and the high ones the machine. The
interval is a bootstrap over rounds, since runs of one round share what the machine does meanwhile.

A reference network takes part in every session. Its value tells how far the levels of two sessions differ, which can be
by several percent. `relative` leaves the level out: each run is divided by the mean of its round. It compares the same
subjects between sessions, and it means nothing for other subjects or for a limit in milliseconds.
"""

from __future__ import annotations

import random
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from search_spaces.errors import NasTuneError
from trainables.costs.quantities import QUANTITIES, Rung
from trainables.errors import TrainableError, first_line
from trainables.hardware.counting import counted_of
from trainables.hardware.device import Device
from trainables.hardware.energy import Meter, energy_of_run, meter_of
from trainables.hardware.engines import Prepared, Subject, check_device, engine_threads, prepared
from trainables.hardware.reference import reference
from trainables.settings import check_name, check_number

__all__ = ["MEASURED", "Measurement", "check_quantities", "measure"]

Times = npt.NDArray[np.float64]
"""Milliseconds of the counted runs of a subject, (rounds, runs)."""

MEASURED = tuple(name for name, quantity in QUANTITIES.items() if quantity.rung == "measured")
"""The quantities that are measured; the others are counted."""

_QUANTILE = 0.10
_RESAMPLES, _CONFIDENCE = 500, 0.95
_REFERENCE = "\0reference"


@dataclass(frozen=True, slots=True)
class Measurement:
    """One quantity of one subject on a device.

    Attributes:
        name: of the subject.
        quantity: a key of `trainables.costs.quantities.QUANTITIES`.
        value: in the kept unit of the quantity.
        low: the lower end of the interval of 95 %.
        high: its upper end.
        device: the fingerprint of the device.
        how: how it was found, such as "CPU time of the thread", the name of a counter, or "estimated from 5 W".
        rung: "measured", or "counted" without running the network; a counted value is its own interval.
        relative: the latency as a multiple of the mean latency in the session, for a comparison of the same subjects
            in several sessions.
        reference: the latency of the reference network in the same session, in milliseconds. It and `relative` are
            None where nothing is measured.
    """

    name: str
    quantity: str
    value: float
    low: float
    high: float
    device: str
    how: str
    rung: Rung = "measured"
    relative: float | None = None
    reference: float | None = None


def check_quantities(quantities: Sequence[str], device: Device) -> None:
    """Check that quantities can be measured on a device, or counted.

    Args:
        quantities: names of quantities.
        device: the device.

    Raises:
        TrainableError: a name is unknown, there is no name, or energy cannot be told.
    """
    if isinstance(quantities, str) or not quantities:
        raise TrainableError(f"quantities is {quantities!r}; give a list of names: {', '.join(QUANTITIES)}")
    for name in quantities:
        check_name("quantity", name, tuple(QUANTITIES))
    if "energy" in quantities and device.watts is None and meter_of(device) is None:
        raise TrainableError(
            "energy: no counter of it can be read here (RAPL needs root on most systems, NVML the package nvidia-ml-py)"
            "; give the power that the device draws while it computes (watts, such as watts = 5), and energy is "
            "estimated from that"
        )


def measure(
    subjects: Mapping[str, Subject],
    device: Device | None = None,
    quantities: Sequence[str] = ("latency",),
    *,
    rounds: int = 10,
    runs: int = 3,
    seed: int = 0,
) -> list[Measurement]:
    """Measure networks and ONNX files on a device, all in one session.

    Args:
        subjects: by name; each a function that makes a network with an example of its input (n, ...), or the path of
            an ONNX file. A network is made once; of it only what the engine needs is kept.
        device: the device; by default onnxruntime on one thread.
        quantities: names of `trainables.costs.quantities.QUANTITIES`. Those that are counted need networks: of a file
            nothing is counted. `size` and `peak_memory` are those of the precision of the device.
        rounds: how often each subject has its turn.
        runs: counted runs in one turn; a command runs once in each turn.
        seed: of the order of the turns and of the bootstrap.

    Returns:
        For each subject in order, a measurement of each quantity.

    Raises:
        TrainableError: the device cannot be used here, a quantity cannot be measured on it, or a subject does not run
            on it; the message names the subject.
        DeviceError: there is no GPU.
    """
    device = device or Device()
    check_number("rounds", rounds, 2, whole=True)
    check_number("runs", runs, 1, whole=True)
    check_quantities(quantities, device)
    check_device(device)
    wanted = [name for name in quantities if name in MEASURED]
    found = _measured(subjects, device, wanted, rounds, runs, seed) if subjects and wanted else []
    by_place = {(one.name, one.quantity): one for one in found}
    for name, subject in subjects.items():
        for quantity, value in _counts(name, subject, [one for one in quantities if one not in MEASURED], device):
            counted = Measurement(name, quantity, value, value, value, device.fingerprint(), "counted", "counted")
            by_place[name, quantity] = counted
    return [by_place[name, quantity] for name in subjects for quantity in dict.fromkeys(quantities)]


def _counts(name: str, subject: Subject, quantities: Sequence[str], device: Device) -> list[tuple[str, float]]:
    try:
        return list(counted_of(subject, quantities, device).items())
    except NasTuneError as error:
        raise TrainableError(f"{name}: {error}") from error


def _measured(
    subjects: Mapping[str, Subject], device: Device, quantities: Sequence[str], rounds: int, runs: int, seed: int
) -> list[Measurement]:
    """One session: all subjects and the reference network."""
    runs = 1 if device.engine == "command" else runs
    meter = meter_of(device) if "energy" in quantities else None
    with tempfile.TemporaryDirectory(prefix="nas_tune-measure-") as folder, engine_threads(device):
        ready = _ready({**subjects, _REFERENCE: reference}, device, Path(folder))
        times = _rounds(ready, rounds, runs, random.Random(seed))
        energies = None if meter is None else _energies(ready, meter, rounds, random.Random(seed))
    levels = _levels(times)
    resample = np.random.default_rng(seed).integers(rounds, size=(_RESAMPLES, rounds))
    known = float(np.quantile(times[_REFERENCE], _QUANTILE))
    found = []
    for name in subjects:
        relative = float(np.quantile(times[name] / levels, _QUANTILE))
        latency = _with_interval(times[name], resample)
        for quantity in quantities:
            value, low, high, how = _of_latency(quantity, latency, device, ready[name].clock)
            if quantity == "energy" and meter is not None and energies is not None:
                (value, low, high), how = _with_interval(energies[name], resample), meter.name
            made = Measurement(name, quantity, value, low, high, device.fingerprint(), how)
            found.append(replace(made, relative=relative, reference=known))
    return found


def _ready(subjects: Mapping[str, Subject], device: Device, folder: Path) -> dict[str, Prepared]:
    ready = {}
    for name, subject in subjects.items():
        try:
            ready[name] = prepared(subject, device, folder)
            ready[name].run()
        except NasTuneError as error:
            raise TrainableError(f"{_shown(name)} cannot be measured: {error}") from error
        except Exception as error:
            raise TrainableError(
                f"{_shown(name)} cannot be measured by {device.engine}: {type(error).__name__}: {first_line(error)}"
            ) from error
    return ready


def _shown(name: str) -> str:
    return "the reference network" if name == _REFERENCE else name


def _rounds(ready: Mapping[str, Prepared], rounds: int, runs: int, order: random.Random) -> dict[str, Times]:
    times = {name: np.empty((rounds, runs)) for name in ready}
    names = list(ready)
    for number in range(rounds):
        order.shuffle(names)
        for name in names:
            if ready[name].warms_up:
                ready[name].run()
            for place in range(runs):
                times[name][number, place] = ready[name].run()
    return times


def _energies(ready: Mapping[str, Prepared], meter: Meter, rounds: int, order: random.Random) -> dict[str, Times]:
    """Millijoules of one run of each subject in each round, (rounds, 1)."""
    found = {name: np.empty((rounds, 1)) for name in ready}
    names = list(ready)
    for number in range(rounds):
        order.shuffle(names)
        for name in names:
            found[name][number, 0] = energy_of_run(meter, ready[name].run)
    return found


def _levels(times: Mapping[str, Times]) -> Times:
    """The geometric mean of all subjects in each round, (rounds, 1)."""
    medians = np.array([np.median(of, axis=1) for of in times.values()])
    levels: Times = np.exp(np.log(np.maximum(medians, 1e-9)).mean(axis=0))[:, None]
    return levels


def _with_interval(times: Times, resample: npt.NDArray[np.int64]) -> tuple[float, float, float]:
    """The value of the latency, and the ends of its interval."""
    drawn = np.quantile(times[resample].reshape(len(resample), -1), _QUANTILE, axis=1)
    low, high = np.quantile(drawn, ((1 - _CONFIDENCE) / 2, (1 + _CONFIDENCE) / 2))
    return float(np.quantile(times, _QUANTILE)), float(low), float(high)


def _of_latency(
    quantity: str, latency: tuple[float, float, float], device: Device, clock: str
) -> tuple[float, float, float, str]:
    """The value of a quantity with the ends of its interval, and how it was found."""
    value, low, high = latency
    if quantity == "throughput":
        return 1e3 * device.batch / value, 1e3 * device.batch / high, 1e3 * device.batch / low, clock
    if quantity == "energy":
        watts = device.watts or 0.0
        return watts * value, watts * low, watts * high, f"estimated from {watts:g} W"
    return value, low, high, clock
