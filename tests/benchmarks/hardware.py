"""How well latencies repeat between sessions under load, and how the counted peak of memory compares with allocators.

    python tests/benchmarks/hardware.py sessions      # 30 networks, measured in separate processes under three loads
    python tests/benchmarks/hardware.py memory        # the counted peak against PyTorch and the graph of onnxruntime
    python tests/benchmarks/hardware.py exporters     # the file of a measurement against the file that is shipped

Networks: random members of the spaces at laptop size (the small settings of each family), with images of 32 x 32.
"""

from __future__ import annotations

import itertools
import json
import multiprocessing
import random
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from _report import heading, line

import search_spaces

DRAWN = {"nb201": 20, "mobilenetv3": 10}
LOADS = (0, 1, 3)
"""Busy processes beside a session."""
FAMILIES = (
    *("nb201", "mobilenetv3", "darts", "resnet", "vgg", "vit", "mlp", "nasnet", "proxylessnas"),
    *("spectrogram", "chain1d", "pnas", "enas_micro", "amoebanet"),
)


def made(space: str, seed: int, batch: int = 1) -> tuple[Any, Any]:
    """A random member of a space at laptop size, with an example of its input."""
    from trainables.networks import NETWORKS, build, example

    small = dict(NETWORKS.get(space).small)
    member = search_spaces.get(space).sample(random.Random(seed))
    return build(space, member, **small).eval(), example(space, batch=batch, **small)


def session() -> None:
    """One session: prints the values of all networks as JSON."""
    from trainables.hardware.measuring import measure

    subjects = {}
    for space, count in DRAWN.items():
        for seed in range(count):
            subjects[f"{space}-{seed}"] = lambda space=space, seed=seed: made(space, seed)
    begin = time.process_time()
    found = measure(subjects, seed=time.time_ns() % 2**31)
    rows = {one.name: (one.value, one.relative, one.low, one.high) for one in found}
    print(json.dumps({"rows": rows, "reference": found[0].reference, "seconds": time.process_time() - begin}))


def _busy() -> None:
    while True:
        sum(range(10_000))


@contextmanager
def busy(count: int) -> Iterator[None]:
    """Let processes of Python keep cores busy."""
    others = [multiprocessing.Process(target=_busy, daemon=True) for _ in range(count)]
    for one in others:
        one.start()
    try:
        yield
    finally:
        for one in others:
            one.kill()
            one.join()


def sessions() -> None:
    """Kendall's tau between sessions in separate processes, each under another load."""
    from scipy.stats import kendalltau

    found = []
    for load in LOADS:
        with busy(load):
            done = subprocess.run([sys.executable, __file__, "session"], capture_output=True, text=True, check=True)
        found.append(json.loads(done.stdout.splitlines()[-1]))
        heading(f"session with {load} busy processes beside it, and whatever else this machine did")
        line("the reference network", found[-1]["reference"], "ms")
        line("CPU of the session, export included", found[-1]["seconds"], "s")
        widths = [(high - low) / value for value, _, low, high in found[-1]["rows"].values()]
        line("median width of the intervals", 100 * sorted(widths)[len(widths) // 2], "%")
    for first, second in itertools.combinations(range(len(found)), 2):
        one, other = found[first]["rows"], found[second]["rows"]
        heading(f"sessions with {LOADS[first]} and {LOADS[second]} busy processes")
        for place, what in enumerate(("latency", "relative latency")):
            pairs = [(one[name][place], other[name][place]) for name in one]
            tau = float(kendalltau(*zip(*pairs, strict=True)).statistic)
            line(f"Kendall's tau of the {what}, {len(pairs)} networks", tau, "", at_least=0.95)
            _order(pairs, what)
        drift = found[second]["reference"] / found[first]["reference"] - 1
        ratios = sorted(other[name][0] / one[name][0] - 1 for name in one)
        line("drift of the networks (median)", 100 * ratios[len(ratios) // 2], "%")
        line("drift that the reference network tells", 100 * drift, "%")


def _order(pairs: list[tuple[float, float]], what: str) -> None:
    kept = apart = 0
    for one, other in itertools.combinations(pairs, 2):
        if abs(one[0] / other[0] - 1) > 0.05:
            apart += 1
            kept += (one[0] < other[0]) == (one[1] < other[1])
    line(f"pairs more than 5 % apart by {what} that keep their order", 100 * kept / apart, "%", f"{kept} of {apart}")


def memory() -> None:
    """The counted peak against what PyTorch allocates and what lives in the optimised graph of onnxruntime."""
    from trainables.costs.cost import cost_of
    from trainables.costs.liveness import peak_memory
    from trainables.training.batches import tensors_of

    heading("peak memory of one example: KiB as planned and as PyTorch computes, and ratios to them")
    print(f"  {'space':14} {'planned':>9} {'graph':>7} {'sum':>7}   {'eager':>9} {'PyTorch':>8}")
    for space in FAMILIES:
        network, example = made(space, 1)
        planned, eager = peak_memory(network, example), peak_memory(network, example, eager=True)
        given = sum(one.numel() * one.element_size() for one in tensors_of(example))
        graph, allocated = graph_peak(network, example), allocator_peak(network, example) + given
        total = cost_of(network, example).activation_bytes
        print(
            f"  {space:14} {planned / 1024:9.1f} {graph / planned:7.2f} {total / planned:7.1f}   {eager / 1024:9.1f} "
            f"{allocated / eager:8.2f}",
            flush=True,
        )


def allocator_peak(network: Any, example: Any) -> int:
    """The most bytes that PyTorch's allocator holds during a forward, by the memory events of its profiler."""
    import torch
    from torch.profiler import ProfilerActivity, profile

    from trainables.training.batches import called

    with torch.inference_mode():
        called(network, example)
        with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiled:
            held = called(network, example)
    events = [one for one in profiled.profiler.kineto_results.events() if one.name() == "[memory]"]
    sizes = [one.nbytes() for one in sorted(events, key=lambda one: one.start_ns())]
    del held
    return max(itertools.accumulate(sizes))


def graph_peak(network: Any, example: Any) -> int:
    """The most bytes of values that live in the graph that onnxruntime has optimised, in the order of its nodes."""
    import onnx
    import onnxruntime

    from trainables.hardware.graphs import write_graph
    from trainables.training.batches import tensors_of

    options = onnxruntime.SessionOptions()
    options.log_severity_level, options.intra_op_num_threads = 3, 1
    with tempfile.TemporaryDirectory() as folder:
        file, optimised = Path(folder) / "a.onnx", Path(folder) / "b.onnx"
        write_graph(network, example, file)
        options.optimized_model_filepath = str(optimised)
        onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
        model = onnx.load(optimised)
    outputs = {one.name for one in model.graph.output}
    for node in model.graph.node:
        model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in node.output if name not in outputs)
    plain = onnxruntime.SessionOptions()
    plain.log_severity_level, plain.intra_op_num_threads = 3, 1
    plain.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    loaded = onnxruntime.InferenceSession(model.SerializeToString(), plain, providers=["CPUExecutionProvider"])
    names = [one.name for one in loaded.get_inputs()]
    feed = {name: one.numpy() for name, one in zip(names, tensors_of(example), strict=False)}
    values = dict(zip([one.name for one in loaded.get_outputs()], loaded.run(None, feed), strict=True)) | feed
    return _live(list(model.graph.node), {name: value.nbytes for name, value in values.items()}, outputs)


def _live(nodes: list[Any], sizes: dict[str, int], outputs: set[str]) -> int:
    first = dict.fromkeys(sizes, 0)
    last = {name: len(nodes) if name in outputs else -1 for name in sizes}
    for place, node in enumerate(nodes):
        for name in (*node.input, *node.output):
            if name in sizes:
                last[name] = max(last[name], place)
        for name in node.output:
            first[name] = place
    peaks = []
    for place in range(len(nodes)):
        peaks.append(sum(size for name, size in sizes.items() if first[name] <= place <= last[name]))
    return max(peaks)


def exporters() -> None:
    """The file of a measurement against the shipped one, whose batch is open, with and without its size given."""
    from trainables.export.onnx import write_onnx
    from trainables.hardware.device import Device
    from trainables.hardware.graphs import write_graph
    from trainables.hardware.measuring import measure

    heading("latency of the shipped file over that of the file of a measurement, and seconds of CPU to write them")
    with tempfile.TemporaryDirectory() as folder:
        subjects: dict[str, Path] = {}
        for space, seed in (*(("nb201", seed) for seed in range(6)), ("mobilenetv3", 0), ("darts", 0)):
            network, example = made(space, seed, batch=2)
            name = f"{space}-{seed}"
            quick, shipped = Path(folder) / f"{name}.onnx", Path(folder) / f"{name}-shipped.onnx"
            one = seconds(lambda network=network, example=example, quick=quick: write_graph(network, example, quick))
            two = seconds(lambda network=network, example=example, to=shipped: write_onnx(network, example, to))
            subjects |= {name: quick, f"{name} shipped": shipped}
            line(f"CPU to write {name}", one, "s", f"shipped {two:.1f} s")
        found = {one.name: one.value for one in measure(subjects, Device(batch=2), rounds=30)}
    for name in subjects:
        if not name.endswith("shipped"):
            line(f"{name}: shipped over measured", found[f"{name} shipped"] / found[name], "x")


def seconds(run: Callable[[], object]) -> float:
    """CPU seconds of this process for a call."""
    begin = time.process_time()
    run()
    return time.process_time() - begin


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    {"session": session, "sessions": sessions, "memory": memory, "exporters": exporters}[sys.argv[1]]()
