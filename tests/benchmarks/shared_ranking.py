"""How well shared weights put cells in order: supernets of several seeds, judged by `nas_tune.ranking`.

    python tests/benchmarks/shared_ranking.py digits [--epochs 150] [--seeds 3]
    python tests/benchmarks/shared_ranking.py nb201 [--epochs 20] [--seeds 3] [--cells 1000]

`digits`: all cells of the project's table (`nas_tune.benchmarks.tables.digits`: nb201 with three operations, 4
channels), whose supernets are trained by SPOS on the same training images. The truth is the test accuracy, mean over
the seeds of the table; one seed of it against the others is the most that could be hoped for.

`nb201`: cells of NAS-Bench-201, from the table below NAS_TUNE_TABLES; the truth is its test accuracy after 200 epochs.
The supernets are trained by SPOS on 10,000 images of CIFAR-10 (the first 12,500 of train-0.parquet below NAS_TUNE_DATA,
of which a fifth is for validation) at 16 x 16 pixels, with 8 channels and one cell a stage.

Checkpoints lie in --folder, where a second call finds them. What takes other supernets: `nas-tune ranking`, after

    python -m trainables darts --space nb201 --data cifar10 --method spos --epochs 60 --set channels=8 --set cells=1 \\
        --set batch_size=128 --set validation_share=0.2 --set 'method_settings={"population": 4, "generations": 0}' \\
        --set lr=0.1 --set lr_min=0.0 --set weight_decay=0.0005 --set flip=true --checkpoint-dir CHECKPOINT
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from _report import heading, line
from scipy.stats import kendalltau

import nas_tune
from nas_tune.benchmarks.tables import digits
from search_spaces import Architecture
from trainables.supernet.trainable import DartsTrainable

PATHS = {"method": "spos", "method_settings": {"population": 4, "generations": 0}, "lr_min": 0.0, "weight_decay": 5e-4}
DIGITS = {
    **digits.TRAINING,
    **PATHS,
    "network": {"operations": list(digits.OPERATIONS)},
    "validation_share": 0.2,
    "lr": 0.05,
}
"""Trained on the images on which the cells of the table were, with the same sizes."""
CIFAR10 = {
    **PATHS,
    "space": "nb201",
    "resize": 16,
    "channels": 8,
    "cells": 1,
    "batch_size": 128,
    "validation_share": 0.2,
    "lr": 0.1,
    "flip": True,
}
NB201 = {"table": "nb201/nb201_cifar10.parquet", "architecture": "arch_str", "truth": "c10_test_200"}
IMAGES = 12_500
WANTED = 0.44
"""The equal-size tau over 1,000 cells of NAS-Bench-201 that shared weights are to have; 12 epochs of training: 0.63."""


def trained(settings: Mapping[str, Any], folder: Path, epochs: int, seed: int) -> Path:
    """A supernet trained by SPOS, saved below `folder` unless it is there."""
    checkpoint = folder / f"{epochs}-{seed}"
    if not (checkpoint / "search.json").is_file():
        started = time.process_time()
        supernet = DartsTrainable(**settings)
        supernet.setup(Architecture({}), seed=seed, max_epochs=epochs)
        for _ in range(epochs):
            report = supernet.step()
        seconds = time.process_time() - started
        print(f"  seed {seed}: training loss {report['train_loss']:.3f}, {seconds:.0f} s of CPU", flush=True)
        checkpoint.mkdir(parents=True)
        supernet.save(checkpoint)
    return checkpoint


def some_images(folder: Path) -> str:
    """The first images of CIFAR-10, as a folder of their own; nothing here looks at those for testing."""
    home, kept = Path(os.environ["NAS_TUNE_DATA"]) / "cifar10", folder / f"cifar10-{IMAGES}"
    if not kept.is_dir():
        kept.mkdir(parents=True)
        pd.read_parquet(home / "test.parquet").sample(2000, random_state=0).to_parquet(kept / "test.parquet")
        pd.read_parquet(home / "train-0.parquet").head(IMAGES).to_parquet(kept / "train.parquet")
    return str(kept)


def tell(found: nas_tune.Ranking) -> None:
    """Every row, with its interval."""
    for row in found.measures.to_dict("records"):
        who = row["score"] if row["supernet"] != row["supernet"] else f"{row['score']}, {Path(row['supernet']).name}"
        interval = f"{row['equal_size_tau_low']:.3f} to {row['equal_size_tau_high']:.3f}"
        least = WANTED if row["supernet"] == "mean" else None
        line(f"{who}: equal-size tau", row["equal_size_tau"], "", interval, at_least=least)
        line(f"{who}: tau", row["tau"], "", f"{row['tau_low']:.3f} to {row['tau_high']:.3f}")
        line(f"{who}: mean of the ten best", row["top_10"], "", f"regret {row['regret']:.3f}")
    for note in found.notes:
        print(f"  {note}")


def on_digits(folder: Path, epochs: int, seeds: int, cells: int) -> None:
    """The whole table, by supernets of several seeds."""
    heading(f"digits: {cells} cells, {seeds} supernets of {epochs} epochs")
    supernets = [trained(DIGITS, folder / "digits", epochs, seed) for seed in range(seeds)]
    tell(nas_tune.ranking(supernets, "digits", count=cells, images=None))
    tests = pd.read_parquet(digits.TABLE["file"]).pivot(index="cell", columns="seed", values="test")
    for seed in tests:
        others = tests.drop(columns=seed).mean(axis=1)
        line(f"tau of the table's seed {seed} to its others", float(kendalltau(tests[seed], others).statistic), "")


def on_nb201(folder: Path, epochs: int, seeds: int, cells: int) -> None:
    """Some cells of NAS-Bench-201."""
    heading(f"NAS-Bench-201, CIFAR-10: {cells} cells, {seeds} supernets of {epochs} epochs")
    settings = {**CIFAR10, "data": some_images(folder)}
    supernets = [trained(settings, folder / "nb201", epochs, seed) for seed in range(seeds)]
    tell(nas_tune.ranking(supernets, **NB201, beside=["c10_val_12"], count=cells))


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    tables = parser.add_subparsers(required=True)
    for name, measure, epochs, cells in (("digits", on_digits, 150, 729), ("nb201", on_nb201, 20, 1000)):
        one = tables.add_parser(name)
        one.add_argument("--folder", type=Path, default=Path("shared-ranking"))
        one.add_argument("--epochs", type=int, default=epochs)
        one.add_argument("--seeds", type=int, default=3)
        one.add_argument("--cells", type=int, default=cells)
        one.set_defaults(measure=measure)
    arguments = vars(parser.parse_args())
    arguments.pop("measure")(**arguments)


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
