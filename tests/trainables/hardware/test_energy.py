"""Energy is read from counters, estimated from the user's watts, or refused; it is never a constant of ours."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from trainables.errors import TrainableError
from trainables.hardware import energy, measuring
from trainables.hardware.device import Device
from trainables.hardware.energy import Gpu, Packages, energy_of_run, meter_of
from trainables.hardware.measuring import measure

NETWORK = {"a": lambda: (nn.Linear(4, 2), torch.zeros(1, 4))}


class Steady:
    """Advances by 3 mJ at each reading."""

    name = "a meter"

    def __init__(self) -> None:
        self.total = 0.0

    def read(self) -> float:
        self.total += 3.0
        return self.total


def zone(folder: Path, name: str, energy_uj: object, most: int = 1_000_000) -> Path:
    (folder / name).mkdir(exist_ok=True)
    (folder / name / "energy_uj").write_text(f"{energy_uj}\n")
    (folder / name / "max_energy_range_uj").write_text(f"{most}\n")
    return folder / name


def test_packages_are_added_up_and_their_parts_are_not(tmp_path):
    zone(tmp_path, "intel-rapl:0", 1_000)
    zone(tmp_path, "intel-rapl:1", 5_000)
    zone(tmp_path, "intel-rapl:0:0", 1_000)
    packages = Packages(tmp_path)
    assert packages.read() == 0
    zone(tmp_path, "intel-rapl:0", 3_000)
    zone(tmp_path, "intel-rapl:1", 6_000)
    zone(tmp_path, "intel-rapl:0:0", 9_000)
    assert packages.read() == 3.0


def test_a_counter_that_begins_again_goes_on(tmp_path):
    zone(tmp_path, "intel-rapl:0", 999_000)
    packages = Packages(tmp_path)
    zone(tmp_path, "intel-rapl:0", 1_000)
    assert packages.read() == 2.0
    zone(tmp_path, "intel-rapl:0", 4_000)
    assert packages.read() == 5.0


def test_without_a_readable_counter_there_is_none(tmp_path, monkeypatch):
    monkeypatch.setattr(energy, "POWERCAP", tmp_path)
    monkeypatch.setattr(Packages.__init__, "__defaults__", (tmp_path,))
    assert meter_of(Device()) is None
    zone(tmp_path, "intel-rapl:0", "")
    assert meter_of(Device()) is None
    zone(tmp_path, "intel-rapl:0", 7)
    assert isinstance(meter_of(Device()), Packages)
    assert meter_of(Device("command", command="phone")) is None


def test_a_gpu_is_read_by_nvml_where_it_counts(monkeypatch):
    class NVMLError(Exception):
        pass

    def unsupported(handle):
        raise NVMLError("not supported")

    nvml = SimpleNamespace(
        nvmlInit=lambda: None,
        nvmlDeviceGetHandleByIndex=lambda index: index,
        nvmlDeviceGetTotalEnergyConsumption=lambda handle: 1234,
        NVMLError=NVMLError,
    )
    monkeypatch.setattr(energy.importlib, "import_module", lambda name: nvml)
    found = meter_of(Device("cuda"))
    assert isinstance(found, Gpu)
    assert found.read() == 1234.0
    nvml.nvmlDeviceGetTotalEnergyConsumption = unsupported
    assert meter_of(Device("cuda")) is None


def test_the_energy_of_a_run_is_the_mean_over_a_window():
    runs = []
    assert energy_of_run(Steady(), lambda: runs.append(1), window=0.01) == pytest.approx(3.0 / len(runs))


def test_a_counter_goes_before_an_estimate_and_says_its_name(monkeypatch):
    monkeypatch.setattr(measuring, "meter_of", lambda device: Steady())
    monkeypatch.setattr(measuring, "energy_of_run", lambda meter, run: (run(), meter.read())[1])
    latency, found = measure(NETWORK, Device("torch", watts=5), ("latency", "energy"), rounds=4, runs=1)
    assert found.how == "a meter"
    assert 3 <= found.low <= found.value <= found.high <= 24
    assert latency.how == "CPU time of the thread"


def test_without_a_counter_watts_are_needed(monkeypatch):
    monkeypatch.setattr(measuring, "meter_of", lambda device: None)
    with pytest.raises(TrainableError, match=r"energy: no counter.*watts"):
        measure(NETWORK, Device("torch"), ("energy",), rounds=2)
    latency, found = measure(NETWORK, Device("torch", watts=5), ("latency", "energy"), rounds=2, runs=1)
    assert found.value == pytest.approx(5 * latency.value)
    assert found.how == "estimated from 5 W"
