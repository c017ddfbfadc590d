"""Values of quantities are read and written with their units."""

from __future__ import annotations

import pytest

from trainables.costs.quantities import QUANTITIES, read_value, write_value
from trainables.errors import TrainableError


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("parameters", "100k", 100_000),
        ("parameters", 1234, 1234),
        ("parameters", "1234", 1234),
        ("macs", "50M", 50e6),
        ("macs", " 1.5 G ", 1.5e9),
        ("macs", "2B", 2e9),
        ("size", "1MiB", 2**20),
        ("size", "1 MB", 1e6),
        ("peak_memory", "256KiB", 256 * 1024),
        ("peak_memory", "10B", 10),
        ("latency", "5ms", 5),
        ("latency", "250us", 0.25),
        ("latency", "250µs", 0.25),
        ("latency", "0.5s", 500),
        ("latency", "5e-1 ms", 0.5),
        ("latency", 5, 5),
        ("energy", "3mJ", 3),
        ("energy", "2 J", 2000),
        ("throughput", "30fps", 30),
        ("throughput", "30/s", 30),
    ],
)
def test_a_value_is_read_with_its_unit(name, text, value):
    assert read_value(name, text) == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("latency", "5", "has no unit; write one of us, µs, ms, s"),
        ("latency", "5MiB", "has the unit 'MiB'; it must be one of us"),
        ("latency", "soon", "expected a number with a unit, such as '5ms'"),
        ("latency", "0ms", "expected a number above 0"),
        ("latency", "-1ms", "expected a number above 0"),
        ("latency", True, "expected a number with a unit"),
        ("latency", None, "expected a number with a unit"),
        ("parameters", "100x", "has the unit 'x'; it must be one of none, k, M, G, B, such as '100k'"),
        ("size", float("nan"), "expected a number above 0, such as '256KiB'"),
        ("energy", float("inf"), "expected a number above 0"),
        ("throughput", "30ms", "has the unit 'ms'"),
    ],
)
def test_what_is_no_value_is_refused_with_the_rule(name, text, said):
    with pytest.raises(TrainableError) as error:
        read_value(name, text)
    assert said in str(error.value)
    assert str(error.value).startswith(f"{name}: ")


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("parameters", 73_600, "73.6 k"),
        ("parameters", 12, "12"),
        ("macs", 50e6, "50 M"),
        ("size", 2**20, "1 MiB"),
        ("size", 1000, "1000 B"),
        ("peak_memory", 256 * 1024, "256 KiB"),
        ("latency", 1.5, "1.5 ms"),
        ("energy", 3, "3 mJ"),
        ("throughput", 30, "30 /s"),
        ("dice", 0.81234, "0.8123"),
    ],
)
def test_a_value_is_written_for_people(name, value, text):
    assert write_value(name, value) == text


@pytest.mark.parametrize("name", QUANTITIES)
def test_what_is_written_is_read_again(name):
    unit = QUANTITIES[name].metric.unit
    value = {"": 2.5e6, "B": 3 * 2**20}.get(unit, 12.5)
    assert read_value(name, write_value(name, value)) == pytest.approx(value)


def test_only_throughput_is_better_when_it_is_more():
    assert {name for name, one in QUANTITIES.items() if one.metric.mode == "max"} == {"throughput"}
