"""ONNX files run by one engine, onnxruntime on the CPU: what they give, and how long they take."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from trainables.export.onnx import INPUT

__all__ = ["BATCHES", "ENGINE", "latencies", "session", "single"]

ENGINE = "onnxruntime, CPUExecutionProvider"
BATCHES = (1, 32)
"""Inputs at a time of which the latency is measured."""

_WARM_UP, _ROUNDS, _RUNS = 5, 25, 4


def session(file: Path, threads: int) -> Any:
    """The file, loaded, to run on so many threads."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])


def single(loaded: Any) -> Callable[[Tensor], Tensor]:
    """A loaded file as a function of a tensor."""

    def run(inputs: Tensor) -> Tensor:
        return torch.from_numpy(loaded.run(None, {INPUT: inputs.contiguous().numpy()})[0])

    return run


def latencies(
    sessions: Mapping[str, Any], examples: Tensor, batches: Sequence[int] = BATCHES
) -> dict[str, list[float]]:
    """For each session the seconds that each of the `batches` takes: the median of 100 runs after a warm-up.

    Rounds of the sessions take turns, so that whatever else the machine does falls on all of them alike.
    """
    inputs = [{INPUT: _repeated(examples, count).numpy()} for count in batches]
    seconds: dict[str, list[list[float]]] = {name: [[] for _ in batches] for name in sessions}
    for loaded in sessions.values():
        for given in inputs:
            for _ in range(_WARM_UP):
                loaded.run(None, given)
    for _ in range(_ROUNDS):
        for name, loaded in sessions.items():
            for given, taken in zip(inputs, seconds[name], strict=True):
                taken += [_timed(loaded, given) for _ in range(_RUNS)]
    return {name: [statistics.median(taken) for taken in each] for name, each in seconds.items()}


def _timed(loaded: Any, given: Mapping[str, Any]) -> float:
    start = time.perf_counter()
    loaded.run(None, given)
    return time.perf_counter() - start


def _repeated(examples: Tensor, count: int) -> Tensor:
    """`count` examples, from the first again after the last."""
    return examples[torch.arange(count) % len(examples)].contiguous()
