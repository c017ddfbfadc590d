"""Outputs and latencies of ONNX files, all run by one engine: onnxruntime on the CPU."""

from __future__ import annotations

import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from trainables.export.naming import INPUT
from trainables.training.batches import Batch, with_length

__all__ = ["BATCHES", "ENGINE", "as_function", "latencies", "session"]

ENGINE = "onnxruntime, CPUExecutionProvider"
BATCHES = (1, 32)
"""Batch sizes at which latencies are measured."""

_WARM_UP, _ROUNDS, _RUNS = 5, 25, 4


def session(file: Path, threads: int) -> Any:
    """Load an ONNX file.

    Args:
        file: the ONNX file.
        threads: how many threads an operation may use.

    Returns:
        An `onnxruntime.InferenceSession` on the CPU.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])


def as_function(loaded: Any) -> Callable[[Batch], Batch]:
    """Return a loaded file as a function of a batch.

    Args:
        loaded: a session by `session`.

    Returns:
        A function from inputs (n, ...), a tensor or a dict of tensors by name, to the output of the file; to a dict of
        tensors where it has several.
    """
    names = [one.name for one in loaded.get_outputs()]

    def run(inputs: Batch) -> Batch:
        found = [torch.from_numpy(one) for one in loaded.run(None, _arrays(inputs))]
        return found[0] if len(found) == 1 else dict(zip(names, found, strict=True))

    return run


def _arrays(inputs: Batch) -> dict[str, Any]:
    named = inputs if isinstance(inputs, dict) else {INPUT: inputs}
    return {name: tensor.contiguous().numpy() for name, tensor in named.items()}


def latencies(sessions: Mapping[str, Any], examples: Batch, batches: Sequence[int] = BATCHES) -> dict[str, list[float]]:
    """Measure the latency of each file at each batch size: the median of 100 runs after a warm-up.

    The sessions take turns, so that other load of the machine affects all of them alike.

    Args:
        sessions: sessions by name.
        examples: inputs (n, ...), a tensor or a dict of tensors by name, which are repeated where a batch needs more
            than n.
        batches: batch sizes; default `BATCHES`.

    Returns:
        By name of a session, the seconds for a batch of each size.
    """
    inputs = []
    for count in batches:
        inputs.append(_arrays(with_length(examples, count)))
    for loaded in sessions.values():
        for given in inputs:
            for _ in range(_WARM_UP):
                loaded.run(None, given)
    seconds: dict[tuple[str, int], list[float]] = defaultdict(list)
    for _ in range(_ROUNDS):
        for name, loaded in sessions.items():
            for place, given in enumerate(inputs):
                for _ in range(_RUNS):
                    start = time.perf_counter()
                    loaded.run(None, given)
                    seconds[name, place].append(time.perf_counter() - start)
    return {name: [statistics.median(seconds[name, place]) for place in range(len(inputs))] for name in sessions}
