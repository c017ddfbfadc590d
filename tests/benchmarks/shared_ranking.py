"""How well shared weights put cells in order: Kendall's tau against the accuracies of cells trained by themselves.

    python tests/benchmarks/shared_ranking.py nas_tune/tables/digits.parquet [epochs]

The cells are those of the table (`nas_tune.tables.digits`): nb201 with three operations, 4 channels, on digits. A
supernet of them is trained by SPOS on the same training images; every cell of the table is scored by `SharedWeights`.
The truth is the test accuracy, mean over the seeds of the table; the same for one seed against the others is the most
that could be hoped for, and the number of parameters and MACs is what one can have for nothing.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import pandas as pd
import torch
from _report import heading, line
from scipy.stats import kendalltau

import search_spaces
from search_spaces import Architecture
from trainables.darts_trainable import DartsTrainable
from trainables.supernet.estimator import SharedWeights

OPERATIONS = ["none", "skip_connect", "nor_conv_3x3"]
SETTINGS = {"space": "nb201", "data": "digits", "channels": 4, "cells": 1, "batch_size": 32, "validation_share": 0.2}
EPOCHS = 300


def trained(folder: Path, epochs: int) -> None:
    """A supernet trained by SPOS, saved in `folder`."""
    search = DartsTrainable(
        **SETTINGS,
        method="spos",
        method_settings={"population": 4, "generations": 0},
        network={"operations": OPERATIONS},
        lr=0.05,
        lr_min=0.0,
        weight_decay=5e-4,
    )
    search.setup(Architecture({}), seed=0, max_epochs=epochs)
    for epoch in range(1, epochs + 1):
        report = search.step()
        if epoch % 10 == 0:
            print(
                epoch,
                f"train_loss {report['train_loss']:.3f} best of four {report['discrete_accuracy']:.3f}",
                flush=True,
            )
    search.save(folder)


def scores(folder: Path, cells: list[str]) -> pd.DataFrame:
    """By shared weights: accuracy and loss of every cell."""
    shared = SharedWeights(checkpoint=str(folder))
    space = search_spaces.get("nb201", operations=OPERATIONS)
    found = []
    for cell in cells:
        shared.setup(space.from_string(cell), seed=0, max_epochs=1)
        found.append(shared.step())
    return pd.DataFrame(found, index=cells)


def main(table: Path, epochs: int, folder: Path) -> None:
    rows = pd.read_parquet(table)
    tests = rows.pivot(index="cell", columns="seed", values="test")
    costs = rows.groupby("cell")[["parameters", "macs"]].first().loc[tests.index]
    started = time.process_time()
    trained(folder, epochs)
    training = time.process_time() - started
    cells = list(tests.index)
    scores(folder, cells[:1])
    started = time.process_time()
    shared = scores(folder, cells)
    scoring = time.process_time() - started
    heading(f"{len(cells)} cells, a supernet of {epochs} epochs ({training:.0f} s CPU)")
    line("cells scored", len(cells) / scoring, "a second of CPU")
    truth = tests.mean(axis=1)
    line("cells that nothing reaches the end of", float((truth < 0.2).mean()), "of all")
    for name, values in (
        ("the shared weights' loss", -shared.loss),
        ("the shared weights' accuracy", shared.accuracy),
        ("parameters", costs.parameters),
        ("MACs", costs.macs),
    ):
        line(f"tau of {name}", kendalltau(values, truth).statistic, "")
    for seed in tests:
        others = tests.drop(columns=seed).mean(axis=1)
        line(f"tau of seed {seed} to the others", kendalltau(tests[seed], others).statistic, "")


if __name__ == "__main__":
    torch.set_num_threads(1)
    asked = int(sys.argv[2]) if len(sys.argv) > 2 else EPOCHS
    with tempfile.TemporaryDirectory() as scratch:
        main(Path(sys.argv[1]), asked, Path(scratch))
