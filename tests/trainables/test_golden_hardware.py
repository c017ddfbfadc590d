"""What is counted, predicted and measured of networks on devices is what it was, and refused with the same words."""

from __future__ import annotations

import dataclasses
import json
import random
import time
from collections.abc import Callable, Mapping
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

import search_spaces
from search_spaces import Space, choice, integer, real
from search_spaces.errors import NasTuneError
from tests.golden import agrees
from trainables.costs.quantities import QUANTITIES
from trainables.hardware import energy, measuring
from trainables.hardware.commands import check_command, run_command
from trainables.hardware.cost_predictor import CostPredictor, fit_predictor
from trainables.hardware.cost_values import read_values
from trainables.hardware.counting import COUNTED, counted_of
from trainables.hardware.decision_counts import decision_counts
from trainables.hardware.device import Device
from trainables.hardware.energy import Gpu, Packages, energy_of_run, meter_of
from trainables.hardware.engines import Prepared, check_device, prepared
from trainables.hardware.measuring import check_quantities, measure
from trainables.hardware.operation_counts import counter_of, counts_matrix, group_of
from trainables.hardware.operations import OperationTracer
from trainables.hardware.predictor_scores import score_values
from trainables.hardware.reference import reference
from trainables.hardware.scaled_ridge import fit_ridge, group_scales
from trainables.hardware.seeds import choose_seeds, informative
from trainables.hardware.sessions import _shape

NB201 = search_spaces.get("nb201")
SMALL: dict[str, Any] = {"channels": 2, "cells": 1, "image_size": 8}
PLAIN = Space({"depth": integer(1, 6), "op": choice("fast", "slow"), "width": choice(8, 16, 32)}, name="plain_costs")


def tried(make: Callable[[], Any]) -> Any:
    try:
        return make()
    except NasTuneError as error:
        return f"{type(error).__name__}: {error}"


def rounded(value: Any) -> Any:
    """Numbers with seven digits, everywhere inside."""
    if isinstance(value, Mapping):
        return {str(key): rounded(one) for key, one in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [rounded(one) for one in value]
    return float(f"{value:.7g}") if isinstance(value, float) else value


# ----------------------------------------------------------------------------------------------------------- counting


class Shared(nn.Module):
    """What an engine that optimizes graphs leaves out: zeros, constants, and normalisations behind one user."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.norm = nn.Conv2d(3, 4, 3, bias=False), nn.BatchNorm2d(4)
        self.second, self.other = nn.Conv2d(4, 4, 1, groups=4), nn.BatchNorm2d(4)
        self.head = nn.Linear(4, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.first(x)
        twice = self.norm(x) + x  # the convolution has two users
        zero = torch.zeros_like(twice) * 2.0
        kept = twice + zero
        kept = zero + kept
        kept = kept - torch.relu(zero)
        unused = self.second(kept)
        both = torch.cat((self.other(self.second(kept)), zero), 1)
        shift = torch.ones_like(kept).mean() + 1
        del unused
        return self.head((both[:, :4] + kept * 0 + shift).mean((2, 3)))


NETWORKS: dict[str, Callable[[], tuple[nn.Module, Any]]] = {
    "shared": lambda: (Shared(), torch.zeros(2, 3, 9, 7)),
    "convolutions": lambda: (
        nn.Sequential(
            nn.Conv2d(3, 6, (3, 1), stride=(2, 1), groups=3),
            nn.BatchNorm2d(6),
            nn.ReLU(),
            nn.Conv2d(6, 6, 3, groups=6),
            nn.Conv2d(6, 6, 1, groups=2),
            nn.AvgPool2d(2),
            nn.MaxPool2d(3, 1, 1),
        ),
        torch.zeros(1, 3, 20, 16),
    ),
    "signals": lambda: (
        nn.Sequential(nn.Conv1d(2, 5, 3), nn.BatchNorm1d(5), nn.AdaptiveAvgPool1d(1)),
        torch.zeros(1, 2, 30),
    ),
    "volumes": lambda: (nn.Sequential(nn.Conv3d(1, 3, 3), nn.ReLU(), nn.AvgPool3d(2)), torch.zeros(1, 1, 8, 8, 9)),
    "rows": lambda: (nn.Sequential(nn.Linear(6, 5), nn.BatchNorm1d(5), nn.Tanh(), nn.Linear(5, 1)), torch.zeros(3, 6)),
    "steps": lambda: (nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), torch.zeros(1, 5, 8)),
    "words": lambda: (
        nn.Sequential(nn.Embedding(9, 4), nn.Flatten(), nn.Linear(20, 2)),
        torch.zeros(1, 5, dtype=torch.int64),
    ),
}


def test_operations_are_what_they_were() -> None:
    found: dict[str, Any] = {}
    for name, make in NETWORKS.items():
        tracer = OperationTracer()
        listed = tracer.operations(make)
        assert listed == tracer.operations(make)  # of equal calls the second takes what is known
        found[name] = [f"{one.kind} {one.channels} {one.side} {one.macs} {one.bytes} {one.is_live}" for one in listed]
    found["nb201"] = {}
    for seed in (1, 2):
        counts = counter_of(NB201, SMALL).counts(NB201.sample(seed))
        for title, one in (("live", counts.live), ("executed", counts.executed)):
            found["nb201"][f"{seed} {title}"] = dict(zip(one.names, one.values.tolist(), strict=True))
    network, inputs = NETWORKS["convolutions"]()
    for device in (
        Device(),
        Device("torch"),
        Device(precision="int8"),
        Device("command", precision="float16", command="x"),
    ):
        told = counted_of(lambda: (network, inputs), COUNTED, device)
        found[f"{device.engine} {device.precision}"] = told
    agrees("hardware-operations", found)


DECIDED = {
    "plain": PLAIN,
    "nested": Space({"cells": [choice("a", "b"), choice("c", "d")], "rate": real(0.1, 0.9), "is": choice(True, False)}),
    **{name: search_spaces.get(name) for name in ("nb201", "nb101", "darts", "resnet", "mlp", "enas_micro")},
}


def test_decisions_are_counted_as_they_were() -> None:
    found: dict[str, Any] = {}
    for name, space in DECIDED.items():
        for seed in (1, 2):
            live, executed = decision_counts(space, space.sample(seed))
            for title, counts in (("live", live), ("executed", executed)):
                text = json.dumps(rounded(dict(sorted(counts.items()))))
                found[f"{name} {seed} {title}"] = [len(counts), round(sum(counts.values()), 6), text[:1500]]
    agrees("hardware-decisions", found)


# --------------------------------------------------------------------------------------------------------- predicting

COUNTS = np.array(
    [[4.0, 1, 9, 1], [6, 2, 9, 0], [1, 3, 9, 4], [8, 5, 9, 0], [3, 8, 9, 2], [5, 13, 9, 1], [2, 21, 9, 3]]
)
GROUPS = ["a", "b", "c", "a"]


def cells(number: int, seed: int = 0) -> list[Any]:
    rng = random.Random(seed)
    some = (NB201.sample(rng) for _ in range(2 * number))
    return list({cell.to_json(): cell for cell in some}.values())[:number]


def milliseconds(member: Any, *, noise: float = 0.05) -> float:
    """A price for each operation of a cell, and some noise that the cell itself decides."""
    text = member.to_json()
    exact = 0.2 + text.count("conv_3x3") * 0.3 + text.count("conv_1x1") * 0.1 + text.count("pool") * 0.05
    return exact * (1 + noise * random.Random(text).uniform(-1, 1))


def frame_of(members: list[Any], *, factor: float = 1.0, column: str = "latency") -> pd.DataFrame:
    return pd.DataFrame({"architecture": members, column: [factor * milliseconds(one) for one in members]})


def test_regressions_are_what_they_were() -> None:
    found: dict[str, Any] = {"scales": rounded(group_scales(COUNTS, GROUPS))}
    for name, values in {
        "even": COUNTS @ [0.5, 0.1, 0.0, 0.2] + 1,
        "uneven": np.array([0.01, 9, 1, 4, 2, 7, 3.0]),
    }.items():
        ridge = fit_ridge(COUNTS, values, GROUPS)
        new = np.array([[4.0, 4, 9, 1], [50, 0, 9, 0], [-90, 0, 9, 0], [0, 0, 8, 0]])
        predicted = ridge.predict(new)
        found[name] = {
            "left_out": rounded(ridge.left_out),
            "leverage": rounded(ridge.leverage),
            "error": rounded(ridge.error),
            "penalty": rounded(float(ridge.penalty)),
            "level": rounded(ridge.level),
            "floors": rounded(ridge.floors),
            "predicted": rounded(predicted),
            "spread": rounded(ridge.spread(new, predicted)),
        }
    for number in (1, 4, 7):
        found[f"informative {number}"] = informative((COUNTS - COUNTS.mean(0)) / 5, number, 2)
    counter = counter_of(NB201, SMALL)
    some = [counter.counts(one).live for one in cells(3)]
    columns = ("macs", "count", "nothing", "count|avg_pool2d 3x3")
    found["matrix"] = counts_matrix(some, columns).tolist()
    found["groups"] = {name: group_of(name) for name in ("macs", "macs|a", "count|a|b", "amount of x|y|z")}
    agrees("hardware-regressions", found, tolerance=1e-4)


@pytest.mark.slow
def test_predictions_are_what_they_were() -> None:
    found: dict[str, Any] = {}
    members, others = cells(20), cells(14, seed=1)
    half = frame_of([*members[:6], *cells(6, seed=3)], factor=2.0)
    predictors = {
        "plain": fit_predictor(NB201, frame_of(members), **SMALL),
        "other": fit_predictor(NB201, frame_of(members[:10]), other=half, **SMALL),
        "memory": fit_predictor(NB201, frame_of(members[:9], column="peak_memory"), **SMALL),
        "eight": fit_predictor(NB201, frame_of(members[:8], column="cost"), **SMALL),
    }
    for name, predictor in predictors.items():
        table = predictor.predict(others[:5])
        wide = predictor.predict(pd.Series(others[:2], index=["x", "y"]), confidence=0.5)
        found[name] = {
            "is": str([predictor.engine, predictor.uses_other, predictor.uses_peak, repr(predictor)]),
            "summary": rounded(predictor.summary()),
            "table": rounded(table.to_dict("list")),
            "wide": [list(wide.index), rounded(wide.to_dict("list"))],
            "margins": [rounded(predictor.margin(one)) for one in (0.05, 0.5, 0.95, 0.999)],
            "one": rounded([*map(float, table.iloc[0])])
            == rounded(
                [
                    predictor.prediction(others[0]).value,
                    predictor.prediction(others[0]).low,
                    predictor.prediction(others[0]).high,
                ]
            ),
            "known": rounded(predictor.known_or_predicted([members[0], others[0]])),
        }
    plain = predictors["plain"]
    for quantile, confidence in ((0.25, 0.9), (0.0, 0.5)):
        held = read_values(NB201, frame_of([*others, *members[:2]]))
        score = score_values(plain, held, quantile=quantile, confidence=confidence)
        found[f"score {quantile} {confidence}"] = rounded(dataclasses.asdict(score))
    same = pd.DataFrame({"architecture": others, "latency": [1.0] * len(others)})
    found["score of equal ones"] = rounded(dataclasses.asdict(plain.score(same)))
    found["too few to score"] = tried(lambda: plain.score(frame_of([*members, others[0]])))
    updated = plain.updated(frame_of([members[0], others[0]], factor=3.0))
    found["updated"] = [rounded(updated.measured.values[:2]), len(updated.measured.values), rounded(updated.margin())]
    for confidence in (0, 1, -1, 0.5):
        found[f"confidence {confidence}"] = str(
            tried(lambda c=confidence: len(plain.predict(others[:1], confidence=c)))
        )
    found["seven"] = tried(lambda: fit_predictor(NB201, frame_of(members[:7]), **SMALL))
    found["another other"] = tried(lambda: fit_predictor(NB201, frame_of(members), other=3, **SMALL))  # type: ignore[arg-type]
    found["settings of none"] = tried(
        lambda: fit_predictor(PLAIN, frame_of([PLAIN.sample(n) for n in range(9)]), channels=3)
    )
    agrees("hardware-predictions", found, tolerance=1e-3)


def test_seeds_are_what_they_were() -> None:
    found: dict[str, Any] = {}
    for space, seed in ((PLAIN, 0), (PLAIN, 1)):
        found[f"{space.name} {seed}"] = [one.to_json() for one in choose_seeds(space, 5, seed=seed)]
    pool = cells(12)
    found["pool"] = [pool.index(one) for one in choose_seeds(NB201, 6, pool=[*pool, pool[0]], **SMALL)]
    for number in (0, 12, 13, 1.5):
        found[f"count {number}"] = str(tried(lambda n=number: len(choose_seeds(NB201, n, pool=pool, **SMALL))))
    for number in (36, 37):
        found[f"plain {number}"] = str(tried(lambda n=number: len(choose_seeds(PLAIN, n))))
    found["seed"] = str(tried(lambda: choose_seeds(PLAIN, 2, seed=-1)))
    agrees("hardware-seeds", found)


TREE = PLAIN.sample(0).tree
FRAMES: dict[str, tuple[Any, dict[str, Any]]] = {
    "plain": (pd.DataFrame({"architecture": [TREE, TREE, PLAIN.sample(1)], "ms": [1.0, 3.0, 2.0]}), {}),
    "first column": (pd.DataFrame({"cell": [TREE], "ms": [1]}), {}),
    "named": (pd.DataFrame({"ms": [1.0], "cell": [TREE], "x": [2.0]}), {"architecture": "cell", "value": "ms"}),
    "three columns": (pd.DataFrame({"a": [TREE], "b": [1.0], "c": [1.0]}), {}),
    "one column": (pd.DataFrame({"a": [TREE]}), {}),
    "no columns": (pd.DataFrame(), {}),
    "equal names": (pd.DataFrame([[TREE, 1.0, 2.0]], columns=["a", "b", "b"]), {}),
    "an unknown value": (pd.DataFrame({"a": [TREE], "b": [1.0]}), {"value": "c"}),
    "an unknown architecture": (pd.DataFrame({"a": [TREE], "b": [1.0]}), {"architecture": "c", "value": "b"}),
    "no frame": ([1, 2], {}),
    "no numbers": (
        pd.DataFrame({"a": [TREE] * 6, "b": pd.Series([True, "3", None, pd.NA, 2.0, [1]], dtype=object)}),
        {},
    ),
    "no costs": (pd.DataFrame({"a": [TREE] * 4, "b": [0.0, -1.0, float("inf"), float("nan")]}), {}),
    "three problems": (pd.DataFrame({"a": [TREE, "x", {"depth": 9}, TREE], "b": [1.0, 1.0, 1.0, 0.0]}), {}),
    "just above 0": (pd.DataFrame({"a": [TREE], "b": [1e-9]}), {}),
}


def test_measured_values_are_read_as_they_were() -> None:
    found: dict[str, Any] = {}
    for name, (frame, more) in FRAMES.items():

        def read(frame: Any = frame, more: Any = more) -> Any:
            values = read_values(PLAIN, frame, **more)
            rest = values.without({values.keys()[0]})
            return [values.name, values.keys(), values.values.tolist(), len(rest.architectures)]

        found[name] = tried(read)
    agrees("hardware-values", found)


def test_files_of_predictors_are_what_they_were(tmp_path: Path) -> None:
    members = [PLAIN.sample(number) for number in range(20)]
    frame = pd.DataFrame({"architecture": members, "ms": [float(one["depth"]) + one["width"] / 8 for one in members]})
    file = tmp_path / "a/predictor.json"
    fit_predictor(PLAIN, frame, other=frame.assign(ms=frame["ms"] * 2)).save(file)
    kept = json.loads(file.read_text())
    found: dict[str, Any] = {"content": {key: str(rounded(value))[:300] for key, value in kept.items()}}
    changes: dict[str, Any] = {
        "itself": kept,
        "a list": [],
        "version": {**kept, "version": 2},
        "format": {**kept, "format": "x"},
    }
    for key in kept:
        changes[f"without {key}"] = {name: value for name, value in kept.items() if name != key}
        changes[f"{key} of 3"] = {**kept, key: 3}
    for name, content in changes.items():
        file.write_text(json.dumps(content))
        for title, space in (("", None), (", with its space", PLAIN), (", with another", NB201)):
            if title != ", with another" or name == "itself":
                told = str(tried(lambda space=space: CostPredictor.load(file, space)))
                found[f"{name}{title}"] = told.replace(str(tmp_path), "HERE")
    file.write_text("{")
    found["no JSON"] = str(tried(lambda: CostPredictor.load(file))).replace(str(tmp_path), "HERE")[:60]
    agrees("hardware-files", found)


# ------------------------------------------------------------------------------------------------------------ devices

DEVICES: dict[str, Any] = {
    "nothing": None,
    "a name": "torch",
    "an unknown name": "tensorrt",
    "a number": 3,
    "a device": Device("compile"),
    "a table": {"engine": "onnxruntime", "threads": 2, "batch": 8, "precision": "int8", "watts": 5},
    "an unknown key": {"thread": 2},
    "a key like none": {"zzz": 2},
    **{f"threads {value}": {"threads": value} for value in (0, 1.5, True)},
    **{f"batch {value}": {"batch": value} for value in (0, 1)},
    **{f"timeout {value}": {"engine": "command", "command": "x", "timeout": value} for value in (0, 0.1, -1)},
    **{f"watts {value}": {"watts": value} for value in (0, 0.1, "x")},
    **{
        f"{engine} of {kind}": {
            "engine": engine,
            "precision": kind,
            **({"command": "x"} if engine == "command" else {}),
        }
        for engine in ("onnxruntime", "torch", "compile", "cuda", "command")
        for kind in ("float16", "int8")
    },
    "a precision": {"precision": "bfloat16"},
    "threads of a GPU": {"engine": "cuda", "threads": 2},
    "threads of a command": {"engine": "command", "command": "x", "threads": 2},
    "no command": {"engine": "command"},
    "an empty command": {"engine": "command", "command": " "},
    "a command of none": {"engine": "torch", "command": "x"},
    "an open quotation": {"engine": "command", "command": "python 'a"},
    "words": {"engine": "command", "command": "python 'a b' c", "batch": 3, "timeout": 2.0},
}


def test_devices_are_what_they_were(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trainables.hardware.device.processor", lambda: "CPU")
    monkeypatch.setattr("trainables.hardware.device._version", lambda package: "1.2")
    monkeypatch.setattr("trainables.hardware.device._gpu", lambda: "GPU")
    found: dict[str, Any] = {}
    for name, given in DEVICES.items():

        def made(given: Any = given) -> Any:
            device = Device.of(given)
            assert Device.of(device.plain()) == device
            return [device.plain(), device.words, device.fingerprint()]

        found[name] = tried(made)
    agrees("hardware-devices", found)


COMMANDS = {
    "a number": "echo 3.25",
    "nothing": "true",
    "words": "echo 3 ms",
    "a text": "echo fast",
    "zero": "echo 0",
    "infinite": "echo inf",
    "failing": "sh -c 'echo a; echo b; echo why >&2; exit 3'",
    "failing aloud": "sh -c 'echo a; echo b; exit 3'",
    "failing in silence": "false",
    "long": "printf %0201d 0",
    "just long enough": "printf a%0199d 0",
    "the batch": "sh -c 'echo $NAS_TUNE_BATCH'",
    "missing": "nas-tune-no-such-program",
}


def test_commands_are_what_they_were(tmp_path: Path) -> None:
    found = {}
    for name, command in COMMANDS.items():
        device = Device("command", command=command if " -c " not in command else f"{command} x", batch=4)

        def ran(device: Device = device) -> Any:
            check_command(device)
            if device.words[0] in ("echo", "printf"):
                device = Device("command", command=f"sh -c '{device.command}' x", batch=4)
            return run_command(device, tmp_path / "file.onnx")

        found[name] = tried(ran)
    agrees("hardware-commands", found)


class Clock:
    """A clock that advances by a step at each look."""

    def __init__(self, step: float) -> None:
        self.now = (step * number for number in count())

    def __call__(self) -> float:
        return next(self.now)


def test_energies_are_what_they_were(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found: dict[str, Any] = {"no zone": ""}
    for name, used in {"intel-rapl:0": 900, "intel-rapl:1": 50, "intel-rapl:0:1": 7, "other": 1}.items():
        zone = tmp_path / name
        zone.mkdir()
        (zone / "max_energy_range_uj").write_text("1000\n")
        (zone / "energy_uj").write_text(f"{used}\n")
    packages = Packages(tmp_path)
    found["first"] = packages.read()
    for first, second in ((950, 60), (950, 60), (100, 50), (100, 49)):
        (tmp_path / "intel-rapl:0/energy_uj").write_text(str(first))
        (tmp_path / "intel-rapl:1/energy_uj").write_text(str(second))
        found[f"at {first} and {second} after {len(found)}"] = packages.read()
    with pytest.raises(FileNotFoundError, match="has no intel-rapl zone"):
        Packages(tmp_path / "other")
    nvml = SimpleNamespace(
        nvmlInit=lambda: None,
        nvmlDeviceGetHandleByIndex=lambda index: index,
        nvmlDeviceGetTotalEnergyConsumption=lambda handle: 10 * handle + 5,
        NVMLError=OSError,
    )
    found["gpu"] = [Gpu(nvml).read(), Gpu(nvml, 2).read()]
    monkeypatch.setattr(energy.importlib, "import_module", lambda name: nvml)
    found["meters"] = [
        getattr(meter_of(Device(*of)), "name", None) for of in (("cuda",), ("command", 1, 1, "float32", "x"))
    ]
    monkeypatch.setattr(energy.time, "perf_counter", Clock(0.03))
    meter = SimpleNamespace(name="m", read=Clock(7.0))
    found["of a run"] = [energy_of_run(meter, lambda: None), energy_of_run(meter, lambda: None, 0.3)]
    agrees("hardware-energies", found)


def test_what_is_measured_is_computed_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    found: dict[str, Any] = {}
    order: list[str] = []

    def of(name: str, level: float) -> Prepared:
        steps = count()

        def run() -> float:
            order.append(name)
            return level * (1 + (next(steps) * 7 % 5) / 10)

        return Prepared(run, "a clock", warms_up=name != "b")

    def ready(subjects: Any, device: Any, folder: Any) -> dict[str, Prepared]:
        return {name: of(name[-9:], 2.0 + place) for place, name in enumerate(subjects)}

    monkeypatch.setattr(measuring, "_ready", ready)
    monkeypatch.setattr(measuring, "check_device", lambda device: None)
    monkeypatch.setattr(measuring, "meter_of", lambda device: SimpleNamespace(name="m", read=Clock(5.0)))
    monkeypatch.setattr(measuring, "energy_of_run", lambda meter, run: run() * 3)
    monkeypatch.setattr("trainables.hardware.device.processor", lambda: "CPU")
    monkeypatch.setattr("trainables.hardware.device._version", lambda package: "1.2")
    network = (nn.Linear(3, 2), torch.zeros(1, 3))
    subjects: Any = {"a": lambda: network, "b": lambda: network}
    wanted = ("latency", "throughput", "energy", "parameters", "size", "latency")
    for device in (Device(batch=4), Device("command", command="x"), Device(watts=5)):
        for more in ({}, {"rounds": 4, "runs": 2, "seed": 3}):
            order.clear()
            values = measure(subjects, device, wanted, **more)
            told = [rounded([getattr(one, field) for field in one.__slots__]) for one in values]
            found[f"{device.engine} {device.watts} {more}"] = [told, "".join(one[0] for one in order)[:80]]
    monkeypatch.setattr(measuring, "meter_of", lambda device: None)
    found["estimated"] = [
        [*rounded([one.value, one.low, one.high]), one.how] for one in measure(subjects, Device(watts=5), ("energy",))
    ]
    found["counted"] = [[one.name, one.value, one.rung] for one in measure(subjects, None, ("macs",))]
    found["nothing"] = measure({}, None, ("latency",))
    found["file"] = tried(lambda: measure({"f": Path("x.onnx")}, None, ("macs",)))
    for name, more in {"rounds": {"rounds": 1}, "two rounds": {"rounds": 2, "runs": 1}, "runs": {"runs": 0}}.items():
        found[name] = str(tried(lambda more=more: len(measure(subjects, None, ("latency",), **more))))
    for quantities in ("latency", (), ("x",), ("energy",)):
        found[f"quantities {quantities}"] = tried(lambda q=quantities: check_quantities(q, Device()))
    found["known"] = {name: str(one.rung) for name, one in QUANTITIES.items()}
    agrees("hardware-measured", found, tolerance=1e-6)


def test_engines_are_what_they_were(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found: dict[str, Any] = {}
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    monkeypatch.setattr("trainables.hardware.engines.shutil.which", lambda name: None)
    for name in ("compile", "cuda", "torch"):
        found[f"check {name}"] = tried(lambda name=name: check_device(Device(name)))
    monkeypatch.setattr("trainables.hardware.engines.importlib.util.find_spec", lambda name: None)
    found["check onnxruntime"] = tried(lambda: check_device(Device()))
    found["a file"] = tried(lambda: prepared(Path("x.onnx"), Device("torch"), tmp_path))
    for threads in (1, 2):
        made = prepared(lambda: (nn.Linear(2, 2), torch.zeros(1, 2)), Device("torch", threads=threads), tmp_path)
        found[f"clock of {threads}"] = [made.clock, made.warms_up]
    monkeypatch.setattr(time, "thread_time", Clock(0.25))
    made = prepared(lambda: (nn.Linear(2, 2), torch.zeros(1, 2)), Device("torch"), tmp_path)
    found["time"] = made.run()

    def failing() -> Any:
        raise ValueError("no\nnetwork")

    for name, subject in {"failing": failing, "\0reference": failing, "refused": Path("x.onnx")}.items():
        found[f"subject {name!r}"] = tried(
            lambda name=name, one=subject: measuring._ready({name: one}, Device("torch"), tmp_path)
        )
    for shape in ([], [2], [3], ["n", 4], [2, "m"], ["n", 4, 5]):
        found[f"shape {shape}"] = tried(lambda shape=shape: _shape("x", list(shape), 2))
    network, example = reference()
    with torch.no_grad():
        found["reference"] = rounded(network(example)[0, :4].tolist())
    found["size of the reference"] = sum(one.numel() for one in network.parameters())
    agrees("hardware-engines", found, tolerance=1e-3)
