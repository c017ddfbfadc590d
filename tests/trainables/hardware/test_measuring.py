"""The protocol of a measurement, and that every engine goes through it. No time is asserted but for its order."""

from __future__ import annotations

import sys
from collections import Counter

import pytest
import torch
from torch import nn

from trainables.errors import TrainableError
from trainables.export.onnx import write_onnx
from trainables.hardware import engines, measuring
from trainables.hardware.device import Device
from trainables.hardware.engines import Prepared
from trainables.hardware.measuring import measure

IMAGES = torch.randn(2, 3, 16, 16)


def network(width: int = 4, layers: int = 1) -> nn.Module:
    convolutions = [nn.Conv2d(3 if number == 0 else width, width, 3, padding=1) for number in range(layers)]
    return nn.Sequential(*convolutions, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, 2))


def of(made: nn.Module, inputs=IMAGES):
    return lambda: (made, inputs)


class Named(nn.Module):
    """Takes a dict, and returns one."""

    def forward(self, numbers, tokens):
        return {"sum": numbers.sum(1) + tokens.float().sum(1), "numbers": numbers}


@pytest.fixture
def scripted(monkeypatch):
    """Subjects are lists of milliseconds, which come one after the other; the order of the runs is kept."""
    log: list[str] = []

    def install(times: dict[str, list[float]], *, warms_up: bool = True) -> list[str]:
        def ready(subjects, device, folder):
            made = {}
            for name in subjects:
                given = iter(times.get(name, [1.0] * 1000))

                def run(name=name, given=given):
                    log.append(name)
                    return next(given)

                made[name] = Prepared(run, "script", warms_up)
            return made

        monkeypatch.setattr(measuring, "_ready", ready)
        return log

    return install


def measured(names, *args, **settings):
    return {one.name: one for one in measure(dict.fromkeys(names, of(network())), *args, **settings)}


def test_in_each_round_every_subject_and_the_reference_run_once_for_warm_up_and_then_the_counted_runs(scripted):
    log = scripted({})
    measured("ab", rounds=4, runs=3)
    rounds = [log[start : start + 12] for start in range(0, len(log), 12)]
    assert len(rounds) == 4
    assert all(set(Counter(one).values()) == {4} and len(Counter(one)) == 3 for one in rounds)


def test_the_order_of_the_turns_is_random_and_repeatable(scripted):
    log = scripted({})
    measured("abcd", rounds=6, runs=1, seed=3)
    first = list(log)
    log.clear()
    measured("abcd", rounds=6, runs=1, seed=3)
    assert log == first
    assert len({tuple(first[start : start + 10]) for start in range(0, 60, 10)}) > 1


def test_the_value_is_the_quantile_at_a_tenth_and_warm_up_does_not_count(scripted):
    scripted({"a": [99.0, 1.0, 2.0, 3.0, 99.0, 4.0, 5.0, 50.0]})
    found = measured("a", rounds=2, runs=3)["a"]
    assert found.value == 1.5
    assert found.low <= found.value <= found.high


def test_a_disturbance_of_one_round_leaves_the_value_alone(scripted):
    calm = [1.0] * 4
    scripted({"a": [*calm * 9, 7.0, 7.0, 7.0, 7.0]})
    assert measured("a", rounds=10, runs=3)["a"].value == 1.0


def test_the_relative_value_leaves_out_what_slows_a_whole_round(scripted):
    slow = [1.0, 1.0, 3.0, 3.0]
    scripted({"a": [2 * one for one in slow], "b": slow, "\0reference": slow}, warms_up=False)
    found = measured("ab", rounds=2, runs=2)
    assert found["a"].relative == pytest.approx(2 * found["b"].relative)
    assert found["a"].relative == pytest.approx(2 / 2 ** (1 / 3))
    assert found["a"].reference == 1.0


def test_throughput_and_an_estimate_of_energy_follow_from_the_latency(scripted, monkeypatch):
    monkeypatch.setattr(measuring, "meter_of", lambda device: None)
    scripted({"a": [4.0] * 100})
    device = Device(batch=8, watts=5)
    latency, throughput, energy = measure({"a": of(network())}, device, ("latency", "throughput", "energy"))
    assert (latency.value, throughput.value, energy.value) == (4.0, 2000.0, 20.0)
    assert energy.how == "estimated from 5 W"
    assert throughput.low <= throughput.value <= throughput.high


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["onnxruntime", "torch"])
def test_a_larger_network_takes_longer(engine):
    subjects = {"small": of(network()), "large": of(network(32, 4))}
    small, large = measure(subjects, Device(engine), rounds=5)
    assert (small.name, large.name) == ("small", "large")
    assert 0 < small.value < large.value
    assert small.device == Device(engine).fingerprint()
    assert (small.rung, small.how) == ("measured", "CPU time of the thread")


@pytest.mark.slow
def test_several_threads_are_timed_by_the_wall_and_torch_gets_its_own_number_back():
    before = torch.get_num_threads()
    found = measure({"a": of(network())}, Device("torch", threads=2), rounds=2, runs=1)[0]
    assert found.how == "wall time"
    assert torch.get_num_threads() == before


@pytest.mark.parametrize("precision", ["float32", pytest.param("int8", marks=pytest.mark.slow)])
def test_an_onnx_file_and_a_network_are_measured_together(tmp_path, precision):
    made = network().eval()
    write_onnx(made, IMAGES, tmp_path / "shipped.onnx")
    subjects = {"file": tmp_path / "shipped.onnx", "network": of(made)}
    found = measure(subjects, Device(batch=2, precision=precision), rounds=2, runs=1)
    assert [one.name for one in found] == ["file", "network"]
    assert all(one.value > 0 for one in found)


def test_batches_of_every_form_are_measured_and_the_network_stays_as_it_was():
    class Pair(nn.Module):
        def forward(self, left, right):
            return left + right, left

    numbers, tokens = torch.randn(2, 4), torch.ones(2, 3, dtype=torch.int64)
    trained = network().train()
    subjects = {
        "dict": of(Named(), {"numbers": numbers, "tokens": tokens}),
        "tuple": of(Pair(), (numbers, numbers)),
        "training": of(trained),
    }
    assert len(measure(subjects, Device(batch=3), rounds=2, runs=1)) == 3
    assert trained.training
    assert all(one.requires_grad for one in trained.parameters())


def test_a_network_whose_output_depends_on_no_input_is_measured():
    class Constant(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.ones(2))

        def forward(self, images):
            return torch.zeros(1, 2) + self.weight

    assert measure({"constant": of(Constant())}, rounds=2, runs=1)[0].value > 0


@pytest.mark.slow
def test_the_command_measures_once_in_each_round(tmp_path):
    program = tmp_path / "measure.py"
    program.write_text(f"import sys\nopen({str(tmp_path / 'log')!r}, 'a').write(sys.argv[1] + '\\n')\nprint(7)\n")
    device = Device("command", command=f"'{sys.executable}' '{program}'")
    found = measure({"a": of(network())}, device, rounds=2, runs=3)[0]
    assert (found.value, found.low, found.high) == (7, 7, 7)
    calls = (tmp_path / "log").read_text().splitlines()
    assert sorted(Counter(calls).values()) == [3, 3]  # one to see that it runs, and one in each round
    assert all(call.endswith(".onnx") for call in calls)


class Broken(nn.Module):
    def forward(self, images):
        raise KeyError("missing")


def test_a_subject_that_cannot_run_is_named(tmp_path):
    (tmp_path / "no.onnx").write_bytes(b"no model")
    for subject, engine, said in (
        (of(Broken()), "torch", "bad cannot be measured by torch: KeyError: 'missing'"),
        (of(Broken()), "onnxruntime", "bad cannot be measured by onnxruntime"),
        (tmp_path / "no.onnx", "onnxruntime", "bad cannot be measured by onnxruntime"),
        (tmp_path / "no.onnx", "torch", "runs networks of torch and no ONNX file"),
    ):
        with pytest.raises(TrainableError) as refused:
            measure({"bad": subject}, Device(engine), rounds=2, runs=1)
        assert said in str(refused.value)


@pytest.mark.parametrize(
    ("quantities", "said"),
    [
        (("latencies",), "did you mean 'latency'"),
        ("latency", "give a list of names"),
        ((), "give a list of names"),
    ],
)
def test_a_quantity_that_cannot_be_measured_is_refused_before_anything_runs(quantities, said):
    with pytest.raises(TrainableError) as refused:
        measure({"bad": of(Broken())}, Device(), quantities)
    assert said in str(refused.value)


def test_counted_quantities_stand_beside_measured_ones_in_the_given_order(scripted):
    scripted({"a": [4.0] * 100})
    found = measure({"a": of(network())}, Device(precision="int8"), ("macs", "latency", "size", "peak_memory"))
    assert [(one.quantity, one.rung) for one in found] == [
        ("macs", "counted"),
        ("latency", "measured"),
        ("size", "counted"),
        ("peak_memory", "counted"),
    ]
    assert found[0].value == found[0].low == found[0].high == 16 * 16 * 27 * 4 + 8
    assert found[0].reference is None
    assert found[2].value == 3 * 4 * 9 + 4 * 8 + 8 + 2 * 8
    assert found[3].value == 16 * 16 * (3 + 4)


def test_nothing_is_run_for_counted_quantities_alone(monkeypatch, tmp_path):
    monkeypatch.setattr(measuring, "_ready", lambda *_: pytest.fail("a session was begun"))
    planned, eager = (
        measure({"a": of(nn.Sequential(network(), nn.ReLU()))}, Device(engine), ("peak_memory",))[0].value
        for engine in ("onnxruntime", "torch")
    )
    assert planned <= eager
    (tmp_path / "one.onnx").write_bytes(b"")
    with pytest.raises(TrainableError, match=r"file: peak_memory of an ONNX file is not counted"):
        measure({"file": tmp_path / "one.onnx"}, Device(), ("peak_memory",))


def test_a_gpu_is_timed_by_events_after_a_warm_up(monkeypatch):
    log = []

    class Event:
        def __init__(self, *, enable_timing):
            assert enable_timing

        def record(self):
            log.append("record")

        def synchronize(self):
            log.append("synchronize")

        def elapsed_time(self, end):
            assert isinstance(end, Event)
            return 2.5

    monkeypatch.setattr(torch.cuda, "Event", Event)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "a GPU")
    monkeypatch.setattr(nn.Module, "cuda", lambda self: self)
    monkeypatch.setattr(torch.Tensor, "cuda", lambda self: self)
    found = measure({"a": of(network())}, Device("cuda"), rounds=2, runs=1)[0]
    assert (found.value, found.how) == (2.5, "CUDA events")
    assert log[:3] == ["record", "record", "synchronize"]
    assert len(log) // 3 == 2 * (engines._WARM_UP_ON_GPU + 1 + 2 * 2)
