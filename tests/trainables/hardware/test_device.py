"""A device is checked when it is made, and its fingerprint names what values belong to."""

from __future__ import annotations

import pytest

from trainables.errors import DeviceError, TrainableError
from trainables.hardware import engines
from trainables.hardware.device import Device, processor
from trainables.hardware.engines import check_device

COMMAND = {"engine": "command", "command": "measure --quick"}


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"engine": "onnxrt"}, "did you mean 'onnxruntime'"),
        ({"engin": "torch"}, "unknown key 'engin'; did you mean 'engine'"),
        ({"threads": 0}, "threads is 0; it must be a whole number at least 1"),
        ({"threads": True}, "threads is True"),
        ({"batch": 1.5}, "batch is 1.5"),
        ({"precision": "fp16"}, "precision is 'fp16'"),
        ({"precision": "float16"}, "Engines with float16: cuda, command"),
        ({"engine": "torch", "precision": "int8"}, "Engines with int8: onnxruntime, command"),
        ({"engine": "cuda", "threads": 2}, "leave threads out"),
        ({**COMMAND, "threads": 2}, "let the command set its own"),
        ({"engine": "command"}, "needs the program"),
        ({"engine": "command", "command": "  "}, "needs the program"),
        ({"engine": "command", "command": "run 'it"}, "close every quotation mark"),
        ({"command": "run"}, "set engine = 'command'"),
        ({**COMMAND, "timeout": 0}, "timeout is 0"),
        ({"watts": -1}, "watts is -1"),
        ({"watts": "5W"}, "watts is '5W'"),
        (["torch"], "it must be a table"),
    ],
)
def test_a_device_that_breaks_a_rule_is_refused_with_the_value_and_the_rule(table, said):
    with pytest.raises(TrainableError) as refused:
        Device.of(table)
    assert said in str(refused.value)
    assert str(refused.value).startswith("device")


@pytest.mark.parametrize("device", [Device(), Device("torch", threads=2, batch=8, watts=4.5), Device(**COMMAND)])
def test_the_table_of_a_device_makes_an_equal_one(device):
    assert Device.of(device.plain()) == device
    assert Device.of(device) is device


def test_without_a_table_it_is_the_default_and_a_name_is_an_engine():
    assert Device.of(None) == Device("onnxruntime", 1, 1, "float32")
    assert Device.of("torch") == Device("torch")


def test_a_fingerprint_tells_every_device_from_the_others():
    devices = [
        *(Device(), Device(threads=2), Device(batch=8), Device(precision="int8")),
        *(Device("torch"), Device("compile"), Device("cuda"), Device(**COMMAND)),
        Device("command", command="measure"),
    ]
    assert len({one.fingerprint() for one in devices}) == len(devices)


def test_a_fingerprint_names_processor_engine_and_shape():
    found = Device(threads=2).fingerprint()
    assert found.startswith(f"{processor()}, onnxruntime ")
    assert found.endswith(", 2 threads, batch 1, float32")
    assert Device(**COMMAND).fingerprint() == "command measure --quick, batch 1, float32"


def test_what_leaves_the_values_alone_is_not_in_the_fingerprint():
    assert Device(watts=5).fingerprint() == Device().fingerprint()
    assert Device(**COMMAND, timeout=5).fingerprint() == Device(**COMMAND).fingerprint()


def test_a_device_that_this_machine_lacks_is_refused_with_a_remedy(monkeypatch):
    monkeypatch.setattr(engines.shutil, "which", lambda _: None)
    monkeypatch.setattr(engines.torch.cuda, "is_available", lambda: False)
    with pytest.raises(TrainableError, match=r"needs a C\+\+ compiler.*install"):
        check_device(Device("compile"))
    with pytest.raises(DeviceError, match="needs a GPU"):
        check_device(Device("cuda"))
    with pytest.raises(TrainableError, match=r"no program 'measure'.*chmod"):
        check_device(Device(**COMMAND))
    monkeypatch.setattr(engines.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(TrainableError, match="pip install"):
        check_device(Device())
