"""How well shared weights put cells in order: Kendall's tau against the accuracies of cells trained by themselves.

    python tests/benchmarks/shared_ranking.py digits [--epochs 150] [--seeds 3]
    python tests/benchmarks/shared_ranking.py nb201 CHECKPOINT [1000] [--images 500] [--calibration 256]

`digits`: all cells of the project's table (`nas_tune.benchmarks.tables.digits`: nb201 with three operations, 4
channels). For each seed a supernet of them is trained by SPOS on the same training images. The truth is the test
accuracy, mean over the seeds of the table; one seed of it against the others is the most that could be hoped for.

`nb201`: cells of NAS-Bench-201, no two of them isomorphic, drawn by a fixed seed from the table below NAS_TUNE_TABLES;
the truth is its test accuracy after 200 epochs. CHECKPOINT is a supernet trained on CIFAR-10, found by NAS_TUNE_DATA:

    python -m trainables darts --space nb201 --data cifar10 --method spos --epochs 60 --set channels=8 --set cells=1 \\
        --set batch_size=128 --set validation_share=0.2 --set 'method_settings={"population": 4, "generations": 0}' \\
        --set lr=0.1 --set lr_min=0.0 --set weight_decay=0.0005 --set flip=true --checkpoint-dir CHECKPOINT

Parameters and MACs are what one can have for nothing, on the same cells.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import pandas as pd
import torch
from _report import heading, line
from scipy.stats import kendalltau

import search_spaces
from nas_tune.benchmarks.tables import digits
from nas_tune.benchmarks.tables.table import find_table
from search_spaces import Architecture
from trainables.supernet.estimator import SharedWeights
from trainables.supernet.trainable import DartsTrainable

SUPERNET = {
    **digits.TRAINING,
    "network": {"operations": list(digits.OPERATIONS)},
    "validation_share": 0.2,
    "method": "spos",
    "method_settings": {"population": 4, "generations": 0},
    "lr": 0.05,
    "lr_min": 0.0,
    "weight_decay": 5e-4,
}
"""Trained on the images on which the cells of the table were, with the same sizes."""
NB201 = "nb201/nb201_cifar10.parquet"
GOOD = 88.0
"""Per cent of the test images; the cells above it are hard to tell apart."""
WANTED, WANTED_MORE = 0.65, 0.05
"""Tau over 1,000 cells of NAS-Bench-201, and how much that is to be above the parameters'."""


def trained(folder: Path, epochs: int, seed: int) -> None:
    """A supernet of the digits' cells trained by SPOS, saved in `folder`."""
    supernet = DartsTrainable(**SUPERNET)
    supernet.setup(Architecture({}), seed=seed, max_epochs=epochs)
    for _ in range(epochs):
        report = supernet.step()
    print(f"  seed {seed}: training loss {report['train_loss']:.3f} in the last epoch", flush=True)
    supernet.save(folder)


def scored(shared: SharedWeights, architectures: Sequence[Architecture]) -> tuple[pd.DataFrame, float]:
    """By shared weights: accuracy and loss of each, and architectures a second of CPU."""
    scores = []
    shared.setup(architectures[0], seed=0, max_epochs=1)
    shared.step()
    started = time.process_time()
    for architecture in architectures:
        shared.setup(architecture, seed=0, max_epochs=1)
        scores.append(shared.step())
    return pd.DataFrame(scores), len(architectures) / (time.process_time() - started)


def tau(values: Sequence[float], truth: Sequence[float]) -> float:
    return float(kendalltau(values, truth).statistic)


def on_digits(epochs: int, seeds: int) -> None:
    """The whole table, by supernets of several seeds."""
    rows = pd.read_parquet(digits.TABLE["file"])
    tests = rows.pivot(index="cell", columns="seed", values="test")
    costs = rows.groupby("cell")[["parameters", "macs"]].first().loc[tests.index]
    truth = tests.mean(axis=1)
    space: Any = search_spaces.get("nb201", operations=digits.OPERATIONS)
    architectures = [space.from_string(cell) for cell in tests.index]
    heading(f"digits: {len(truth)} cells, {seeds} supernets of {epochs} epochs")
    found = []
    for seed in range(seeds):
        with tempfile.TemporaryDirectory() as scratch:
            trained(Path(scratch), epochs, seed)
            scores, speed = scored(SharedWeights(checkpoint=scratch), architectures)
        found.append({"loss": tau(-scores.loss, truth), "accuracy": tau(scores.accuracy, truth), "speed": speed})
    line("cells scored", mean(one["speed"] for one in found), "a second of CPU")
    for name in ("loss", "accuracy"):
        taus = [one[name] for one in found]
        spread = f"+- {stdev(taus):.3f} over the seeds" if seeds > 1 else ""
        line(f"tau of the shared weights' {name}", mean(taus), "", spread)
    line("tau of parameters", tau(costs.parameters, truth), "")
    line("tau of MACs", tau(costs.macs, truth), "")
    for seed in tests:
        line(
            f"tau of the table's seed {seed} to its others", tau(tests[seed], tests.drop(columns=seed).mean(axis=1)), ""
        )


def distinct(table: pd.DataFrame, parse: Callable[[str], Architecture]) -> Iterator[tuple[str, Architecture]]:
    """The cells of the table in an order drawn by a fixed seed, of isomorphic ones the first."""
    seen = set()
    for cell in table.index.to_series().sample(frac=1, random_state=0):
        architecture = parse(cell)
        if architecture.id not in seen:
            seen.add(architecture.id)
            yield cell, architecture


def on_nb201(checkpoint: Path, cells: int, images: int, calibration: int) -> None:
    """Some cells of NAS-Bench-201, by a supernet that was trained on CIFAR-10."""
    table = pd.read_parquet(find_table(NB201)).set_index("arch_str")
    space: Any = search_spaces.get("nb201")
    drawn = [pair for pair, _ in zip(distinct(table, space.from_string), range(cells), strict=False)]
    shared = SharedWeights(checkpoint=str(checkpoint), space="nb201", images=images, calibration=calibration)
    scores, speed = scored(shared, [architecture for _, architecture in drawn])
    rows = table.loc[[cell for cell, _ in drawn]].reset_index()
    heading(f"NAS-Bench-201, CIFAR-10: {len(rows)} cells; {images} images score, {calibration} calibrate")
    line("cells scored", speed, "a second of CPU")
    _tell(rows, scores, wanted=True)
    good = rows.c10_test_200 > GOOD
    heading(f"  of these the {int(good.sum())} above {GOOD:g} %")
    _tell(rows[good], scores[good], wanted=False)


def _tell(rows: pd.DataFrame, scores: pd.DataFrame, *, wanted: bool) -> None:
    truth = rows.c10_test_200
    parameters = tau(rows.c10_params, truth)
    least = max(WANTED, parameters + WANTED_MORE) if wanted else None
    line("tau of the shared weights' loss", tau(-scores.loss, truth), "", at_least=least)
    line("tau of the shared weights' accuracy", tau(scores.accuracy, truth), "")
    line("tau of parameters", parameters, "")
    line("tau of MACs", tau(rows.c10_flops, truth), "")
    line("tau of the table's validation accuracy, 12 epochs", tau(rows.c10_val_12, truth), "")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    tables = parser.add_subparsers(required=True)
    own = tables.add_parser("digits")
    own.add_argument("--epochs", type=int, default=150)
    own.add_argument("--seeds", type=int, default=3)
    own.set_defaults(measure=on_digits)
    public = tables.add_parser("nb201")
    public.add_argument("checkpoint", type=Path)
    public.add_argument("cells", type=int, nargs="?", default=1000)
    public.add_argument("--images", type=int, default=500)
    public.add_argument("--calibration", type=int, default=256)
    public.set_defaults(measure=on_nb201)
    arguments = vars(parser.parse_args())
    arguments.pop("measure")(**arguments)


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
