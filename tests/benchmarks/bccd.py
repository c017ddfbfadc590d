"""Blood cells (BCCD): the winner of a search against a network written by hand, at equal cost.

A search of 20 trials, each of about 30 CPU seconds, decides a detector by its `map50` on the validation images. The
best trial that needs fewer multiply-accumulates than the network written by hand (`bccd_baseline.py`) and that network
are then trained by three seeds each, for about 120 CPU seconds, with the same recipe: AdamW with a rate of 3e-3,
batches of 8, flips. Both are tested on the 72 test images. How many epochs fit into the seconds is estimated by timing
a few batches, so the seconds that were needed are printed. With `--run FOLDER` the search is kept there, and goes on
from there when the benchmark is called again. Run it alone on a machine, with one thread:

    OMP_NUM_THREADS=1 python tests/benchmarks/bccd.py /path/to/bccd --run runs/bccd

With `--latency 0.5` the search has a limit: half of the latency of the network written by hand, which is measured on
this machine as `nas-tune measure` does (onnxruntime, one thread) before the search begins, and again with the winner
after it.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from statistics import mean
from typing import Any

import _report  # noqa: F401  # finds the checkout
import torch

import nas_tune
import search_spaces
from search_spaces import Space, const
from tests.benchmarks.bccd_baseline import build_baseline
from trainables.hardware.device import processor
from trainables.hardware.measuring import measure
from trainables.networks import NETWORKS, build
from trainables.networks.family import Family
from trainables.tasks.learner import Learner
from trainables.tasks.registry import make_task

HAND = Space({"network": const("by hand")}, name="bccd_baseline")
SPACE = {
    "max_width": 64,
    "max_blocks": 2,
    "max_pyramid_width": 64,
    "max_depth": 2,
    "stems": [8, 16],
    "heads": ["anchor_free", "anchors"],
}
VIEWS = {"zoom": 1.0, "shift": 0.0}
_BATCHES = 26
"""Batches of 8 that an epoch of training has."""
_EVALUATION = 1.2
"""The validation after an epoch, as a share of its training."""


def epochs_in(seconds: float, space: Space, architecture: Any, data: str) -> int:
    """The epochs of a network that fit into CPU seconds, by timing a few batches."""
    task = make_task("detection", {"data": data, **VIEWS})
    loaded = task.load(torch.device("cpu"))
    network = build(space, architecture, **loaded.arguments()).to(memory_format=torch.channels_last)
    inputs, targets = loaded.train.rows(torch.arange(8))
    inputs = loaded.normalize(inputs).contiguous(memory_format=torch.channels_last)
    times = []
    for _ in range(4):
        start = time.process_time()
        task.loss(network(inputs), targets, loaded).backward()
        times.append(time.process_time() - start)
    return max(2, round(seconds / (_BATCHES * _EVALUATION * mean(times[1:]))))


def learner_of(space: Space, architecture: Any, data: str, epochs: int, seed: int) -> Learner:
    """A training before its first epoch."""
    torch.set_num_threads(1)
    learner = Learner(task="detection", space=space, data=data, device="cpu", **VIEWS)
    learner.setup(architecture, seed=seed, max_epochs=epochs)
    return learner


class Timed(Learner):
    """Trains a detector for some CPU seconds, which are one epoch of the search."""

    def __init__(self, *, seconds: float, **settings: Any) -> None:
        self._seconds, self._trained = seconds, 0
        super().__init__(task="detection", device="cpu", **VIEWS, **settings)

    @classmethod
    def task_of(cls, settings: Any) -> Any:
        """The task of these settings."""
        others = {name: value for name, value in settings.items() if name != "seconds"}
        return super().task_of({"task": "detection", **others})

    def setup(self, architecture: Any, *, seed: int, max_epochs: int) -> None:
        """Estimate the epochs, and begin."""
        torch.set_num_threads(1)
        self._trained = epochs_in(
            self._seconds, search_spaces.get("detector", **SPACE), architecture, str(self._given["data"])
        )
        super().setup(architecture, seed=seed, max_epochs=self._trained)

    def step(self) -> dict[str, float | int]:
        """Train all epochs."""
        start = time.process_time()
        for _ in range(self._trained):
            report = super().step()
        return {**report, "trained_epochs": self._trained, "cpu_seconds": time.process_time() - start}


def tested(space: Space, architecture: Any, data: str, seconds: float, seed: int) -> dict[str, float]:
    """The metrics on the test images after some CPU seconds, and what they cost."""
    epochs = epochs_in(seconds, space, architecture, data)
    learner = learner_of(space, architecture, data, epochs, seed)
    start = time.process_time()
    for _ in range(epochs):
        report = learner.step()
    spent = time.process_time() - start
    costs = {"macs": float(report["macs"]), "parameters": float(report["parameters"])}
    return {**learner.evaluate("test"), **costs, "epochs": float(epochs), "cpu_seconds": spent}


def latency_limit(folder: Path, share: float, hand: Learner) -> float:
    """A share of the latency of the network written by hand, in milliseconds, measured once for a folder."""
    file = folder / "latency.json"
    if not file.exists():
        (one,) = measure({"by hand": lambda: hand.untrained(HAND.sample(0))})
        folder.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps({"by hand": one.value}))
    return share * float(json.loads(file.read_text())["by hand"])


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("data")
    parser.add_argument("--run", type=Path, required=True, help="the folder of the run and of the results")
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--final-seconds", type=float, default=120.0)
    parser.add_argument("--latency", type=float, help="the limit, as a share of the latency of the network by hand")
    parser.add_argument("--seeds", type=int, default=3)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    data = str(Path(arguments.data).resolve())
    NETWORKS.register(HAND.name or "", Family(build_baseline))
    space = search_spaces.get("detector", **SPACE)
    hand = Learner(task="detection", space=HAND, data=data, device="cpu")
    by_hand = hand.cost(HAND.sample(0)).macs
    options: dict[str, Any] = {}
    if arguments.latency is not None:
        options["limits"] = {"latency": f"{latency_limit(arguments.run, arguments.latency, hand):.4f}ms"}
        print(f"limits: {options['limits']}, {processor()}", flush=True)
    run = nas_tune.search(
        space,
        Timed,
        settings={"seconds": arguments.seconds, "data": data},
        max_trials=arguments.trials,
        metric="map50",
        max_epochs=1,
        executor="inline",
        run_dir=arguments.run / "search",
        resume=(arguments.run / "search").exists(),
        **options,
    )
    frame = run.trials()
    frame = frame[frame["map50"].notna()].sort_values("map50", ascending=False)
    print(frame[["trial", "map50", "macs", "parameters", "trained_epochs", "cpu_seconds"]].to_string(index=False))
    cheaper = frame[frame["macs"] < by_hand]
    chosen = space.validate(json.loads(str(cheaper.iloc[0]["architecture"])))
    print(f"winner: trial {int(cheaper.iloc[0]['trial'])}, {chosen.to_json()}")
    file = arguments.run / "tested.json"
    results = json.loads(file.read_text()) if file.exists() else {}
    for seed in range(arguments.seeds):
        for name, of, architecture in (("by hand", HAND, HAND.sample(0)), ("winner", space, chosen)):
            key = f"{name} {seed}"
            if key not in results:
                results[key] = tested(of, architecture, data, arguments.final_seconds, seed)
                file.write_text(json.dumps(results, indent=1))
            shown = {title: round(value, 4) for title, value in results[key].items()}
            print(f"{key}: {shown}", flush=True)
    learner = Learner(task="detection", space=space, data=data, device="cpu")
    subjects = {"by hand": lambda: hand.untrained(HAND.sample(0)), "winner": lambda: learner.untrained(chosen)}
    for one in measure(subjects):
        print(f"{one.name}: latency {one.value:.3f} ms ({one.low:.3f} to {one.high:.3f}), {one.how}, {processor()}")
    for name in ("by hand", "winner"):
        mine = [one for key, one in results.items() if key.startswith(name)]
        means = {title: mean(one[title] for one in mine) for title in ("map50", "map", "macs", "cpu_seconds")}
        print(f"{name}, mean of {len(mine)}: {means}")


if __name__ == "__main__":
    main()
