"""The engines: each makes a subject ready on a device and runs one batch of it at a time.

On one thread the engines of the processor run in the thread that calls them, so the CPU time of that thread is what
they need, whatever else the machine does. With more threads the CPU time would be the sum over all of them, which is
not the time that a user waits; then the wall time is taken, which other load of the machine makes longer.
"""

from __future__ import annotations

import copy
import importlib.util
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import torch
from torch import nn

from trainables.errors import DeviceError, TrainableError
from trainables.export.naming import named_inputs
from trainables.export.quantization import quantized
from trainables.hardware.commands import check_command, run_command
from trainables.hardware.device import Device
from trainables.hardware.graphs import write_graph
from trainables.hardware.sessions import session, session_inputs
from trainables.training.batches import Batch, called, mapped, with_length

__all__ = ["Prepared", "Subject", "check_device", "default_device", "engine_threads", "prepared"]

Subject: TypeAlias = Callable[[], tuple[nn.Module, Batch]] | Path
"""What is measured: a function that makes a network with an example of its input (n, ...), or an ONNX file."""

_COMPILERS = ("g++", "clang++", "c++", "cl")


@dataclass(frozen=True, slots=True)
class Prepared:
    """A subject that is ready to run.

    Attributes:
        run: runs one batch and returns its time in milliseconds.
        clock: what `run` takes the time by, in words.
        warms_up: whether a run that does not count precedes those that do.
    """

    run: Callable[[], float]
    clock: str
    warms_up: bool = True


def default_device() -> Device:
    """Find where networks are measured if nothing else is said.

    Returns:
        onnxruntime on one thread where it is installed, else PyTorch on one thread.
    """
    is_there = all(importlib.util.find_spec(name) is not None for name in ("onnxruntime", "onnx"))
    return Device() if is_there else Device("torch")


def check_device(device: Device) -> None:
    """Check that this machine has a device.

    Args:
        device: the device.

    Raises:
        TrainableError: a package, a compiler or the program of the command is missing.
        DeviceError: there is no GPU.
    """
    if device.engine == "onnxruntime" and importlib.util.find_spec("onnxruntime") is None:
        raise TrainableError("device: the engine 'onnxruntime' needs a package: pip install 'nas-tune[export]'")
    if device.engine == "compile" and not any(map(shutil.which, (os.environ.get("CXX", ""), *_COMPILERS))):
        raise TrainableError(
            "device: the engine 'compile' needs a C++ compiler, and there is none; install g++ or clang (or name it in "
            "the variable CXX), or take the engine 'onnxruntime'"
        )
    if device.engine == "cuda" and not torch.cuda.is_available():
        raise DeviceError(
            "device: the engine 'cuda' needs a GPU that torch sees, and there is none (torch.cuda.is_available()); "
            "take another engine, or another machine"
        )
    if device.engine == "command":
        check_command(device)


def prepared(subject: Subject, device: Device, folder: Path) -> Prepared:
    """Make a subject ready to run on a device.

    Args:
        subject: a network or an ONNX file.
        device: the device; `check_device` has passed it.
        folder: for the files that an engine reads; they must stay as long as the subject runs.

    Returns:
        The subject. Of a network only what the engine needs is kept in memory.

    Raises:
        TrainableError: the engine cannot run an ONNX file, or the precision of the file is another one.
        Exception: what the network or the exporter raises.
    """
    if device.engine in ("onnxruntime", "command"):
        file = subject if isinstance(subject, Path) else _written(subject, device, folder)
        if device.engine == "command":
            return Prepared(lambda: run_command(device, file), "milliseconds of the command", warms_up=False)
        loaded = session(file, device.threads, device.batch)
        inputs = session_inputs(loaded, device.batch)
        return _timed(lambda: loaded.run(None, inputs), device)
    if isinstance(subject, Path):
        raise TrainableError(
            f"{subject}: the engine {device.engine!r} runs networks of torch and no ONNX file; take the engine "
            "'onnxruntime' or 'command'"
        )
    network, batch = _made(subject, device)
    return _on_gpu(network, batch, device) if device.engine == "cuda" else _in_torch(network, batch, device)


@contextmanager
def engine_threads(device: Device) -> Iterator[None]:
    """Let torch use the threads of a device, until the end of a block.

    Args:
        device: the device.

    Yields:
        Nothing.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(device.threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _made(subject: Callable[[], tuple[nn.Module, Batch]], device: Device) -> tuple[nn.Module, Batch]:
    """Make a network in evaluation mode on the CPU, as a copy that may be changed, and one batch of its inputs."""
    network, example = subject()
    own = copy.deepcopy(network).cpu().eval().requires_grad_(False)
    return own, mapped(lambda tensor: tensor.detach().cpu(), with_length(example, device.batch))


def _written(subject: Callable[[], tuple[nn.Module, Batch]], device: Device, folder: Path) -> Path:
    network, batch = _made(subject, device)
    if device.precision == "float16":
        network, batch = network.half(), mapped(_half, batch)
    file = folder / f"{len(os.listdir(folder)):06d}.onnx"
    write_graph(network, batch, file)
    if device.precision == "int8":
        quantized(file, file, named_inputs(network, batch))
    return file


def _timed(call: Callable[[], object], device: Device) -> Prepared:
    clock = time.thread_time if device.threads == 1 else time.perf_counter

    def run() -> float:
        begin = clock()
        call()
        return 1e3 * (clock() - begin)

    return Prepared(run, "CPU time of the thread" if device.threads == 1 else "wall time")


def _in_torch(network: nn.Module, batch: Batch, device: Device) -> Prepared:
    function: Callable[..., Any] = torch.compile(network, dynamic=False) if device.engine == "compile" else network

    def call() -> None:
        with torch.inference_mode():
            called(function, batch)

    call()
    return _timed(call, device)


def _on_gpu(network: nn.Module, batch: Batch, device: Device) -> Prepared:
    """Time by events on the stream of the GPU: the time of the kernels and of the gaps between them."""
    network, batch = network.cuda(), mapped(lambda tensor: tensor.cuda(), batch)
    if device.precision == "float16":
        network, batch = network.half(), mapped(_half, batch)
    begin: Any = torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]
    end: Any = torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]

    def run() -> float:
        with torch.inference_mode():
            begin.record()
            called(network, batch)
            end.record()
        end.synchronize()
        return float(begin.elapsed_time(end))

    for _ in range(_WARM_UP_ON_GPU):
        run()
    return Prepared(run, "CUDA events")


_WARM_UP_ON_GPU = 10
"""Runs before the first that counts: cuDNN chooses its algorithms, and the clock of the GPU rises."""


def _half(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.half() if tensor.is_floating_point() else tensor
