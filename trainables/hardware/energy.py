"""Counters of energy: RAPL of Intel and AMD processors, and NVML of NVIDIA GPUs, where this user may read them.

A counter counts all that the processor package or the GPU does, also idling and other programs. The value of a network
is what the counter advances while the network runs again and again, divided by its runs. Where no counter can be read
there is no value: a constant power would be the latency in other words, and only the user knows that constant.
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from trainables.hardware.device import Device

__all__ = ["Gpu", "Meter", "Packages", "energy_of_run", "meter_of"]

POWERCAP = Path("/sys/class/powercap")
WINDOW = 0.1
"""Seconds for which a network runs between two readings: counters advance about every millisecond."""


class Meter(Protocol):
    """A counter of energy.

    Attributes:
        name: what counts, in words.
    """

    name: str

    def read(self) -> float:
        """Read the counter.

        Returns:
            The millijoules since some moment; never less than before.
        """


class Packages:
    """The processor packages by RAPL, whose counters begin again at 0 after some minutes.

    Args:
        folder: of the kernel's powercap files.

    Raises:
        OSError: a counter cannot be read, for which most systems want root.
        FileNotFoundError: there is no counter.
    """

    name = "RAPL, all that the processor does"

    def __init__(self, folder: Path = POWERCAP) -> None:
        # intel-rapl:0 is a package; intel-rapl:0:1 is a part of it, and counted there.
        self._zones = [zone for zone in sorted(folder.glob("intel-rapl:*")) if zone.name.count(":") == 1]
        if not self._zones:
            raise FileNotFoundError(f"{folder} has no intel-rapl zone")
        self._ranges = [_number(zone / "max_energy_range_uj") for zone in self._zones]
        self._last = [_number(zone / "energy_uj") for zone in self._zones]
        self._total = 0

    def read(self) -> float:
        """Read the counters of all packages.

        Returns:
            The millijoules since this object was made.
        """
        now = [_number(zone / "energy_uj") for zone in self._zones]
        for before, after, most in zip(self._last, now, self._ranges, strict=True):
            self._total += after - before if after >= before else after + most - before
        self._last = now
        return self._total / 1e3


class Gpu:
    """A GPU by NVML, which counts since its driver was loaded.

    Args:
        nvml: the module `pynvml`.
        index: of the GPU.
    """

    name = "NVML, all that the GPU does"

    def __init__(self, nvml: Any, index: int = 0) -> None:
        nvml.nvmlInit()
        self._nvml, self._handle = nvml, nvml.nvmlDeviceGetHandleByIndex(index)
        self.read()

    def read(self) -> float:
        """Read the counter.

        Returns:
            The millijoules since the driver was loaded.
        """
        return float(self._nvml.nvmlDeviceGetTotalEnergyConsumption(self._handle))


def meter_of(device: Device) -> Meter | None:
    """Find the counter of a device.

    Args:
        device: the device.

    Returns:
        The counter; None where there is none that can be read, and for a command, which runs elsewhere.
    """
    if device.engine == "command":
        return None
    if device.engine == "cuda":
        return _gpu()
    try:
        return Packages()
    except (OSError, ValueError):
        return None


def energy_of_run(meter: Meter, run: Callable[[], object], window: float = WINDOW) -> float:
    """Measure the energy of a run, as the mean over a window of time.

    Args:
        meter: the counter.
        run: runs one batch.
        window: seconds for which it runs again and again.

    Returns:
        The millijoules of one run.
    """
    count, begin, before = 0, time.perf_counter(), meter.read()
    while time.perf_counter() - begin < window:
        run()
        count += 1
    return (meter.read() - before) / count


def _gpu() -> Meter | None:
    try:
        nvml = importlib.import_module("pynvml")
    except ImportError:
        return None
    try:
        return Gpu(nvml)
    except nvml.NVMLError:
        return None


def _number(path: Path) -> int:
    return int(path.read_text(encoding="ascii"))
