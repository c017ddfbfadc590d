"""Hippocampus: a U-Net by hand against the winner of a search, trained for the same CPU seconds.

    python tests/benchmarks/hippocampus.py --run runs/hippocampus                     # everything, one after the other
    python tests/benchmarks/hippocampus.py --run runs/hippocampus --part baseline --seeds 1    # or a part of it
    python tests/benchmarks/hippocampus.py --run runs/half --part search winner --latency 0.5  # half of the latency

The parts are `baseline` (a stem of stride 2, levels of 12, 24 and 48 channels), `search`, and `winner`, which trains
the best architecture of the search as the baseline was trained. The search is an evolution in `unet3d` with widths of 8
to 24 and 1 or 2 blocks; its first trial is the baseline, the next ones are random. A trial trains for a third of the
CPU seconds of a training, in whole epochs, so that a slow network has fewer of them, as it has in the end. Networks
have at most twice the multiply-accumulates of the baseline, so that a stem of stride 1 is a real choice; with
`--latency` at most that share of the latency of the baseline, measured before, and then the first trial is random too.

Before a training, a few steps are timed on one thread; the epochs are as many as fit the CPU seconds. Training examples
are those for training and validation; the test volumes are used once, at the end of a training. What is finished is in
results.jsonl of the run and not computed again.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path
from typing import Any

import _report  # noqa: F401  # finds the checkout
import numpy as np
import torch

import nas_tune
import search_spaces
from search_spaces import Space
from trainables.hardware.device import Device
from trainables.hardware.measuring import measure
from trainables.tasks.learner import Learner

STAGE = {"op": "conv_3x3x3", "blocks": 2, "connection": "plain"}
LEVEL = {**STAGE, "up_op": "conv_3x3x3", "join": "concat"}
BASELINE = {
    "stem_stride": 2,
    "width": 12,
    "norm": "instance",
    "pool": "max_2x2x2",
    "deep_supervision": False,
    "levels": [LEVEL, LEVEL],
    "bottom": STAGE,
}
MOST = 2
DEVICE = {"engine": "torch", "threads": 1}
PARTS = ("baseline", "search", "winner")
STEPS = 6
SHARE = 1 / 3
"""The share of the CPU seconds of a training that a trial of the search has."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, required=True, help="a folder; what is finished in it is not done again")
    parser.add_argument("--data", default="hippocampus/hippocampus.npz", help="below NAS_TUNE_DATA or not")
    parser.add_argument("--part", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--seconds", type=float, default=90, help="CPU seconds of each training")
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--latency", type=float, help="the most latency, as a share of that of the baseline")
    given = parser.parse_args()
    torch.set_num_threads(1)
    given.run.mkdir(parents=True, exist_ok=True)
    space = search_spaces.get("unet3d", widths=(8, 24), blocks=(1, 2))
    if "baseline" in given.part:
        for seed in given.seeds:
            once(given, "baseline", seed, lambda seed=seed: trained(given, space, BASELINE, seed))
    if "search" in given.part:
        print(searched(given, space))
    if "winner" in given.part:
        tree = nas_tune.open_run(given.run / "search").architecture(best_trial(given)).tree
        for seed in given.seeds:
            once(given, "winner", seed, lambda seed=seed: trained(given, space, tree, seed))
    show(given)


def settings(given: Any) -> dict[str, Any]:
    return {"task": "segmentation", "data": given.data, "device": "cpu"}


def limits_of(given: Any, space: Space) -> dict[str, Any]:
    """What the networks of the search may cost at most."""
    folder, baseline = given.run / "search", space.validate(BASELINE)
    kept = folder.with_suffix(".json")
    if kept.exists():
        return dict(json.loads(kept.read_text()))
    if given.latency is None:
        limits: dict[str, Any] = {"macs": MOST * Learner(space=space, **settings(given)).cost(baseline).macs}
    else:
        data = Learner(space=space, **settings(given)).untrained(baseline)
        (found,) = measure({"baseline": lambda: data}, Device(**DEVICE))
        limits = {"latency": f"{given.latency * found.value:.3f}ms"}
        note(given, {"what": "latency of baseline", "seed": 0, "ms": found.value})
    kept.write_text(json.dumps(limits))
    return limits


def searched(given: Any, space: Space) -> str:
    limits = limits_of(given, space)
    folder = given.run / "search"
    begun = time.process_time()
    run = nas_tune.search(
        space,
        Timed,
        settings={"seconds": given.seconds * SHARE, "data": given.data},
        metric="dice",
        limits=limits,
        device=DEVICE,
        strategy={"name": "evolution", "population": 6, "sample": 3},
        enqueue=[] if given.latency else [BASELINE],
        max_trials=given.trials,
        max_epochs=1,
        executor="inline",
        run_dir=folder,
        resume=folder.exists(),
    )
    note(given, {"what": "search", "seed": 0, "cpu_seconds": time.process_time() - begun, **limits})
    frame = run.best(given.trials)
    strides = [run.architecture(int(number)).tree["stem_stride"] for number in frame["trial"]]
    names = ("trial", "dice", "macs", "parameters", "latency", "trained_epochs", "cpu_seconds")
    shown = [name for name in names if name in frame]
    return str(frame[shown].assign(stem_stride=strides))


def best_trial(given: Any) -> int:
    return int(nas_tune.open_run(given.run / "search").best(1)["trial"].iloc[0])


def trained(given: Any, space: Space, tree: Any, seed: int) -> dict[str, Any]:
    learner = Learner(space=space, whole=True, **settings(given))
    member = space.validate(tree)
    learner.setup(member, seed=seed, max_epochs=1)
    epochs = epochs_in(given.seconds, learner)
    learner.setup(member, seed=seed, max_epochs=epochs)
    begun = time.thread_time()
    for _ in range(epochs):
        learner.step()
    spent = time.thread_time() - begun
    cost = learner.cost(member)
    return {
        **learner.evaluate("test"),
        "epochs": epochs,
        "cpu_seconds": spent,
        "macs": cost.macs,
        "parameters": cost.parameters,
        "architecture": member.tree,
    }


class Timed(Learner):
    """Trains a network for some CPU seconds, which are one epoch of the search."""

    def __init__(self, *, seconds: float, **given: Any) -> None:
        self._seconds, self._trained = seconds, 0
        super().__init__(task="segmentation", device="cpu", **given)

    @classmethod
    def task_of(cls, settings: Any) -> Any:
        """The task of these settings."""
        others = {name: value for name, value in settings.items() if name != "seconds"}
        return super().task_of({"task": "segmentation", **others})

    def setup(self, architecture: Any, *, seed: int, max_epochs: int) -> None:
        """Estimate the epochs, and begin."""
        super().setup(architecture, seed=seed, max_epochs=max_epochs)
        self._trained = epochs_in(self._seconds, self)
        super().setup(architecture, seed=seed, max_epochs=self._trained)

    def step(self) -> dict[str, float | int]:
        """Train all epochs."""
        begun = time.thread_time()
        for _ in range(self._trained):
            report = super().step()
        return {**report, "trained_epochs": self._trained, "cpu_seconds": time.thread_time() - begun}


def epochs_in(seconds: float, learner: Learner) -> int:
    """The whole epochs of a training that fit into CPU seconds best, one at least."""
    batch = learner.tuning().recipe.batch_size
    epoch = seconds_of_steps(learner, batch) / STEPS * (len(learner.data.train) // batch)
    return max(1, round(seconds / epoch))


def seconds_of_steps(learner: Learner, batch: int) -> float:
    """CPU seconds of a few steps on this thread, without the first, which also prepares."""
    data, task, network = learner.data, learner.task, learner.network
    network.train()
    begun = 0.0
    for step in range(STEPS + 1):
        if step == 1:
            begun = time.thread_time()
        inputs, targets = data.train.rows(torch.arange(batch))
        inputs = data.normalize(inputs).contiguous(memory_format=torch.channels_last_3d)
        outputs, others = task.heads(network(inputs))
        sum((task.loss(one, targets, data) for one in others), task.loss(outputs, targets, data)).backward()
    network.eval()
    return time.thread_time() - begun


def results(given: Any) -> list[dict[str, Any]]:
    path = given.run / "results.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def note(given: Any, row: dict[str, Any]) -> None:
    with (given.run / "results.jsonl").open("a") as file:
        file.write(json.dumps(row) + "\n")


def once(given: Any, what: str, seed: int, compute: Any) -> None:
    if any(row["what"] == what and row["seed"] == seed for row in results(given)):
        return
    note(given, {"what": what, "seed": seed, **compute()})


def show(given: Any) -> None:
    rows = results(given)
    for what in ("baseline", "winner"):
        some = [row for row in rows if row["what"] == what]
        if not some:
            continue
        for name in ("dice", "dice_anterior", "dice_posterior", "hd95", "cpu_seconds", "epochs"):
            values = [row[name] for row in some if name in row]
            if not values:
                continue
            spread = np.std(values, ddof=1) if len(values) > 1 else 0.0
            print(f"{what:9} {name:15} {np.mean(values):.4f} +- {spread:.4f}  {[round(one, 4) for one in values]}")
        print(f"{what:9} macs {some[0]['macs']:,}, parameters {some[0]['parameters']:,}")
    print(f"one thread of {processor()}, {os.cpu_count()} cores")


def processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return "an unknown processor"


if __name__ == "__main__":
    main()
