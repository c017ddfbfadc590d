"""A device: the engine that runs a network, with its threads, batch size and precision.

    Device()                                        onnxruntime on one thread, one example at a time, float32
    Device("command", command="python phone.py")    the user's own program measures

A value that is measured on one device says nothing about another one: `fingerprint` names what a value belongs to.
Nothing is run or loaded here; `trainables.hardware.engines.check_device` tells whether this machine has the device.
"""

from __future__ import annotations

import os
import platform
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from search_spaces.names import did_you_mean
from trainables.errors import TrainableError
from trainables.settings import check_name, check_number, check_text

__all__ = ["ENGINES", "Device", "processor"]

ENGINES: Mapping[str, tuple[str, ...]] = {
    "onnxruntime": ("float32", "int8"),
    "torch": ("float32",),
    "compile": ("float32",),
    "cuda": ("float32", "float16"),
    "command": ("float32", "float16", "int8"),
}
"""The precisions of each engine."""

_PRECISIONS = ("float32", "float16", "int8")


@dataclass(frozen=True, slots=True)
class Device:
    """Where and how networks are measured.

    Attributes:
        engine: "onnxruntime" (an exported file on the processor), "torch" (PyTorch as in training), "compile"
            (`torch.compile`), "cuda" (PyTorch on a GPU), or "command" (the user's own program).
        threads: of the engine, where it runs on the processor of this machine.
        batch: examples that are computed together.
        precision: of weights and activations: "float32"; "int8" of "onnxruntime"; "float16" of "cuda"; a "command" gets
            files of all three.
        command: the program and its arguments, as a shell splits them; no shell runs it. The path of an ONNX file is
            its last argument, and it prints milliseconds for one batch.
        timeout: seconds that one call of the command may take.
        watts: the power that the device draws while it computes, for an estimate of energy where no counter of it
            can be read.

    Raises:
        TrainableError: a value breaks a rule.
    """

    engine: str = "onnxruntime"
    threads: int = 1
    batch: int = 1
    precision: str = "float32"
    command: str | None = None
    timeout: float = 60.0
    watts: float | None = None

    def __post_init__(self) -> None:
        check_name("device: engine", self.engine, tuple(ENGINES))
        check_number("device: threads", self.threads, 1, whole=True)
        check_number("device: batch", self.batch, 1, whole=True)
        check_name("device: precision", self.precision, _PRECISIONS)
        check_text("device: command", self.command, optional=True)
        check_number("device: timeout", self.timeout, 0, open_low=True)
        if self.watts is not None:
            check_number("device: watts", self.watts, 0, open_low=True)
        self._check_together()

    def _check_together(self) -> None:
        if self.precision not in ENGINES[self.engine]:
            able = [name for name, known in ENGINES.items() if self.precision in known]
            raise TrainableError(
                f"device: precision is {self.precision!r}, which the engine {self.engine!r} does not compute; it "
                f"computes {' and '.join(ENGINES[self.engine])}. Engines with {self.precision}: {', '.join(able)}"
            )
        if self.engine in ("cuda", "command") and self.threads > 1:
            remedy = "; let the command set its own" if self.engine == "command" else ""
            raise TrainableError(
                f"device: threads is {self.threads}, and the engine {self.engine!r} has none to set; leave threads "
                f"out{remedy}"
            )
        if self.engine == "command" and not self.words:
            raise TrainableError(
                "device: the engine 'command' needs the program that measures, such as command = 'python phone.py'"
            )
        if self.engine != "command" and self.command is not None:
            raise TrainableError(
                f"device: command is {self.command!r}, and the engine {self.engine!r} runs none; set engine = 'command'"
            )

    @property
    def words(self) -> list[str]:
        """The words of the command; empty without one."""
        try:
            return shlex.split(self.command or "")
        except ValueError as error:
            raise TrainableError(f"device: command is {self.command!r}: {error}; close every quotation mark") from error

    @classmethod
    def of(cls, given: Device | Mapping[str, Any] | str | None) -> Device:
        """Make a device from a table of a configuration.

        Args:
            given: a table with the attributes of a device; the name of an engine; a device; None for the default.

        Returns:
            The device.

        Raises:
            TrainableError: it is none of these, a key is unknown, or a value breaks a rule.
        """
        if isinstance(given, Device):
            return given
        if given is None or isinstance(given, str):
            return cls() if given is None else cls(given)
        if not isinstance(given, Mapping):
            raise TrainableError(
                f"device is {given!r}; it must be a table, such as device = {{ engine = 'onnxruntime' }}"
            )
        known = [field.name for field in fields(cls)]
        for key in given:
            if key not in known:
                hint = did_you_mean(str(key), known) or ";"
                raise TrainableError(f"device: unknown key {key!r}{hint} the keys are: {', '.join(known)}")
        return cls(**given)

    def plain(self) -> dict[str, Any]:
        """Convert the device to the table of a configuration; `Device.of` makes an equal device of it.

        Returns:
            The engine, and the attributes that are not the default, by name.
        """
        found: dict[str, Any] = {"engine": self.engine}
        for field in fields(self):
            if (value := getattr(self, field.name)) != field.default:
                found[field.name] = value
        return found

    def fingerprint(self) -> str:
        """Name what values of this device belong to.

        Returns:
            The processor or GPU, the engine with its version, threads, batch size and precision; a command stands in
            the place of the first three.
        """
        shape = f"batch {self.batch}, {self.precision}"
        if self.engine == "command":
            return f"command {shlex.join(self.words)}, {shape}"
        if self.engine == "cuda":
            return f"{_gpu()}, torch {_version('torch')} on cuda, {shape}"
        package = "onnxruntime" if self.engine == "onnxruntime" else "torch"
        engine = f"{package} {_version(package)}{' compiled' if self.engine == 'compile' else ''}"
        return f"{processor()}, {engine}, {self.threads} thread{'s' if self.threads > 1 else ''}, {shape}"


@cache
def processor() -> str:
    """Name the processor of this machine.

    Returns:
        Its model, or its architecture where the system does not tell the model.
    """
    for path, start in (("/proc/cpuinfo", "model name"), ("/proc/device-tree/model", "")):
        if os.path.isfile(path):
            with open(path, encoding="utf-8", errors="replace") as lines:
                found = next((line for line in lines if line.startswith(start)), "")
            if model := (found.partition(":")[2] if start else found).strip(" \t\n\0"):
                return model
    return platform.processor() or platform.machine()


@cache
def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "(not installed)"


@cache
def _gpu() -> str:
    import torch

    return torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU"
