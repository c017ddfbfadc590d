"""One supernet for three limits, against three searches from scratch, each under one of the limits: CPU seconds.

A supernet of inverted residuals (`mobilenetv3` at laptop size: elastic depth, kernel, expansion and resolution) is
trained by `ofa` on the digits, or on the first 2,000 images of CIFAR-10. Then `nas_tune.specialize` finds the best path
for each of three limits of multiply-accumulates: the quartiles of 100 random members. A separate search trains the same
supernet anew under one limit, and searches its path with the same population and generations. What was found may then
be trained by itself, with the same settings on both sides.

    OMP_NUM_THREADS=1 python tests/benchmarks/specialize.py [digits | cifar10] [--epochs 15] [--trained 0]

The ratio falls with the length of the training, since specialising does not depend on it.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import quantiles
from typing import Any

import _report  # noqa: F401  # finds the checkout
import pyarrow.parquet as pq
import torch

import nas_tune
import search_spaces
from trainables.tasks.learner import Learner

IMAGES = 2_000
CHANNELS = [8, 8, 16, 16, 24, 24, 32, 96, 128]
SPACE = {
    "name": "mobilenetv3",
    "resolutions": [16, 24],
    "widths": [1.0],
    "kernels": [3, 5],
    "expansions": [2, 3, 4],
    "depth": [1, 2],
}
METHOD = {
    "name": "ofa",
    "population": 16,
    "generations": 4,
    "batch_size": 128,
    "validation_share": 0.2,
    "network": {"channels": CHANNELS},
}


def data_of(name: str, folder: Path) -> str:
    """The name of the digits, or a file with the first images of the training part of CIFAR-10."""
    if name == "digits":
        return name
    source = Path(os.environ["NAS_TUNE_DATA"]) / name / "train-0.parquet"
    file = folder / "images.parquet"
    pq.write_table(pq.read_table(source).slice(0, IMAGES), file)
    return str(file)


def limits_for(data: str) -> list[str]:
    """The quartiles of the multiply-accumulates of random members."""
    settings = {key: value for key, value in SPACE.items() if key != "name"}
    space = search_spaces.get(str(SPACE["name"]), **settings)
    learner = Learner(space=SPACE["name"], data=data, network={"channels": CHANNELS})
    found = [learner.costs(space.sample(seed), ["macs"])["macs"] for seed in range(100)]
    return [f"{value / 1e3:.0f}k" for value in quantiles(found, n=4)]


def searched(data: str, folder: Path, epochs: int, limit: str | None, seed: int) -> nas_tune.Run:
    """Train a supernet and search its path, under a limit or without one."""
    return nas_tune.search(
        SPACE,
        {"name": "image_classifier", "data": data, "network": {"channels": CHANNELS}},
        strategy=METHOD,
        executor="inline",
        max_trials=1,
        max_epochs=epochs,
        seed=seed,
        run_dir=folder,
        **({} if limit is None else {"limits": {"macs": limit}}),
    )


def timed(run: Callable[[], Any]) -> tuple[Any, float]:
    """The result of a call, and the CPU seconds that it took."""
    started = time.process_time()
    return run(), time.process_time() - started


def trained_alone(data: str, folder: Path, trees: list[Any], epochs: int) -> list[float]:
    """The accuracy of architectures after a training by themselves."""
    run = nas_tune.search(
        SPACE,
        {"name": "image_classifier", "data": data, "network": {"channels": CHANNELS}},
        strategy="random",
        scheduler="none",
        executor="inline",
        enqueue=trees,
        max_trials=len(trees),
        max_epochs=epochs,
        run_dir=folder,
    )
    table = run.trials().set_index("trial")["value"]
    by_tree = {json.dumps(run.tree(int(trial)), sort_keys=True): value for trial, value in table.items()}
    return [float(by_tree[json.dumps(tree, sort_keys=True)]) for tree in trees]


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", nargs="?", choices=["digits", "cifar10"], default="digits")
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--trained", type=int, default=0, help="epochs of trainings of what was found; 0 for none")
    parser.add_argument("--seed", type=int, default=0)
    wanted = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        data = data_of(wanted.data, folder)
        limits = limits_for(data)  # reads the data, so that no side pays for that
        one, training = timed(lambda: searched(data, folder / "one", wanted.epochs, None, wanted.seed))
        print(f"one supernet, without a limit: {training:.1f} s", flush=True)
        table, special = timed(
            lambda: nas_tune.specialize(one, [f"macs <= {limit}" for limit in limits], seed=wanted.seed)
        )
        print(table.drop(columns=["architecture"]).to_string(), flush=True)
        print(f"specialised for three limits: {special:.1f} s", flush=True)
        runs, costs = [], []
        for limit in limits:
            run, seconds = timed(lambda at=limit: searched(data, folder / at, wanted.epochs, at, wanted.seed))
            best = run.best()
            print(
                f"search under {limit}: {seconds:.1f} s, shared accuracy {best['discrete_accuracy'].iloc[0]:.3f}, "
                f"{best['macs'].iloc[0] / 1e6:.2f} M MACs",
                flush=True,
            )
            runs.append(run)
            costs.append(seconds)
        print(f"three searches: {sum(costs):.1f} s; specialising costs {special / sum(costs):.1%} of them", flush=True)
        print(f"training once and specialising costs {(training + special) / sum(costs):.1%} of them", flush=True)
        if wanted.trained:
            trees = [json.loads(one) for one in table["architecture"]] + [run.tree(0) for run in runs]
            print(
                [round(one, 3) for one in trained_alone(data, folder / "alone", trees, wanted.trained)],
                f"accuracy after {wanted.trained} epochs by themselves: specialised, then of the searches",
            )


if __name__ == "__main__":
    main()
