"""The table of the package: every cell of a reduced space, trained on handwritten digits.

    python -m nas_tune.benchmarks.tables.digits digits.parquet     # builds it again: about an hour on one core

The space is NAS-Bench-201's with three operations on its six edges, 729 cells, each trained from three seeds by
`ImageClassifier` on scikit-learn's digits: validation accuracy and CPU seconds after each of five epochs, the
test accuracy after the last, parameters and multiply-accumulates. The numbers are measured here, none is copied.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
import time
from collections.abc import Iterator, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from nas_tune.config import Component
from search_spaces import Architecture
from search_spaces.catalogue.nb201 import NB201Space

__all__ = ["BUDGET", "EPOCHS", "SEEDS", "SPACE", "TABLE", "cell_name", "main", "train_cell", "trainings"]

OPERATIONS = ("none", "skip_connect", "nor_conv_3x3")
SPACE = Component("nb201", {"operations": OPERATIONS})
SEEDS = (0, 1, 2)
EPOCHS = 5
TABLE: dict[str, Any] = {
    "file": str(files("nas_tune.benchmarks.tables") / "digits.parquet"),
    "column": "cell",
    "fidelities": tuple(f"{epoch}:accuracy_{epoch}:seconds_{epoch}" for epoch in range(1, EPOCHS + 1)),
    "test": "test",
}
"""The settings of `Table` for the file in the package."""
BUDGET = 120.0
"""The virtual seconds of a race: about seventy trainings."""
TRAINING: dict[str, Any] = {"space": "nb201", "data": "digits", "channels": 4, "cells": 1, "batch_size": 32}
"""The settings of `ImageClassifier` for each training."""
_SPACE = NB201Space(OPERATIONS)


def cell_name(architecture: Architecture) -> str:
    """Write a cell as in the table.

    Args:
        architecture: the cell.

    Returns:
        Its string in NAS-Bench-201's form.
    """
    return _SPACE.to_string(architecture)


def trainings() -> list[tuple[Architecture, int]]:
    """List the trainings of the table.

    Returns:
        Every cell with every seed.
    """
    return list(itertools.product(_SPACE.enumerate(), SEEDS))


def train_cell(architecture: Architecture, seed: int) -> dict[str, Any]:
    """Train a cell, and measure it after each epoch.

    Args:
        architecture: the cell.
        seed: of the training.

    Returns:
        One row of the table; its seconds are the CPU seconds of this process.
    """
    from trainables.tasks.image_classifier import ImageClassifier

    classifier = ImageClassifier(**TRAINING)
    started = time.process_time()
    classifier.setup(architecture, seed=seed, max_epochs=EPOCHS)
    row: dict[str, Any] = {"cell": cell_name(architecture), "seed": seed}
    for epoch in range(1, EPOCHS + 1):
        metrics = classifier.step()
        row[f"accuracy_{epoch}"] = metrics["accuracy"]
        row[f"seconds_{epoch}"] = time.process_time() - started
    test = classifier.evaluate("test")["accuracy"]
    return {**row, "test": test, "parameters": metrics["parameters"], "macs": metrics["macs"]}


def main(arguments: Sequence[str] | None = None) -> int:
    """Train the cells that the notes beside OUT (JSON lines) do not have yet, then write OUT.

    Args:
        arguments: of the command line; None for those of this process.

    Returns:
        The exit code 0.
    """
    parser = argparse.ArgumentParser(
        prog="python -m nas_tune.benchmarks.tables.digits", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("out", type=Path, help="the Parquet file to write")
    out: Path = parser.parse_args(arguments).out
    import torch

    torch.set_num_threads(1)
    notes = out.with_suffix(".jsonl")
    rows = _noted(notes)
    done = {(row["cell"], row["seed"]) for row in rows}
    with notes.open("a") as kept:
        for row in _missing(done):
            kept.write(json.dumps(row) + "\n")
            kept.flush()
            rows.append(row)
            sys.stderr.write(f"\r{len(rows)} of {len(trainings())}")
    _write(sorted(rows, key=lambda row: (row["cell"], row["seed"])), out)
    notes.unlink()
    return 0


def _noted(notes: Path) -> list[dict[str, Any]]:
    """The rows trained so far. A last line without its end, from a killed training, is cut off."""
    text = notes.read_text() if notes.exists() else ""
    whole = text[: text.rfind("\n") + 1]
    if whole != text:
        notes.write_text(whole)
    return [json.loads(line) for line in whole.splitlines()]


def _missing(done: set[tuple[str, int]]) -> Iterator[dict[str, Any]]:
    # The first training of a process reads the data and warms torch up, and these seconds would count in its row.
    train_cell(*trainings()[-1])
    for architecture, seed in trainings():
        if (cell_name(architecture), seed) not in done:
            yield train_cell(architecture, seed)


def _write(rows: list[dict[str, Any]], out: Path) -> None:
    """Write numbers in single precision: the file stays small, and equal on every machine."""
    import pyarrow as pa
    from pyarrow import parquet

    def typed(name: str) -> pa.Array:
        column = [row[name] for row in rows]
        kinds = {"cell": pa.string(), "seed": pa.int8(), "parameters": pa.int32(), "macs": pa.int32()}
        return pa.array(column, kinds.get(name, pa.float32()))

    parquet.write_table(pa.table({name: typed(name) for name in rows[0]}), out, compression="zstd")


if __name__ == "__main__":
    sys.exit(main())
