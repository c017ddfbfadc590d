"""The table that comes with the package: every cell of a reduced space, trained on handwritten digits.

    python -m nas_tune.benchmarks.tables.digits digits.parquet     # makes it again: about an hour on one core

The space is NAS-Bench-201's with three operations on its six edges, 729 cells, each trained from three seeds by
`ImageClassifier` on scikit-learn's digits: validation accuracy and CPU seconds after each of five epochs, the
test accuracy after the last, parameters and multiply-accumulates. Data, code and numbers are our own.
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

__all__ = ["BUDGET", "EPOCHS", "SEEDS", "SPACE", "TABLE", "main", "named", "trained", "trainings"]

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
"""The file in the package, as `Table` takes it."""
BUDGET = 120.0
"""Seconds of a race: about seventy trainings."""
TRAINING: dict[str, Any] = {"space": "nb201", "data": "digits", "channels": 4, "cells": 1, "batch_size": 32}
"""The training, as `ImageClassifier` takes it."""
_SPACE = NB201Space(OPERATIONS)


def named(architecture: Architecture) -> str:
    """The text by which the table knows a cell."""
    return _SPACE.to_string(architecture)


def trainings() -> list[tuple[Architecture, int]]:
    """Every cell with every seed."""
    return list(itertools.product(_SPACE.enumerate(), SEEDS))


def trained(architecture: Architecture, seed: int) -> dict[str, Any]:
    """One row of the table: train the cell, one epoch after another; seconds are those of this process."""
    from trainables.tasks.image_classifier import ImageClassifier

    classifier = ImageClassifier(**TRAINING)
    started = time.process_time()
    classifier.setup(architecture, seed=seed, max_epochs=EPOCHS)
    row: dict[str, Any] = {"cell": named(architecture), "seed": seed}
    for epoch in range(1, EPOCHS + 1):
        metrics = classifier.step()
        row[f"accuracy_{epoch}"] = metrics["accuracy"]
        row[f"seconds_{epoch}"] = time.process_time() - started
    test = classifier.evaluate("test")["accuracy"]
    return {**row, "test": test, "parameters": metrics["parameters"], "macs": metrics["macs"]}


def main(arguments: Sequence[str] | None = None) -> int:
    """Train what the notes beside OUT do not have yet, then write OUT."""
    parser = argparse.ArgumentParser(
        prog="python -m nas_tune.benchmarks.tables.digits", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("out", type=Path, help="the Parquet file to write")
    out: Path = parser.parse_args(arguments).out
    _one_thread()
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


def _one_thread() -> None:
    import torch

    torch.set_num_threads(1)


def _noted(notes: Path) -> list[dict[str, Any]]:
    """The rows trained so far; half a line, where the last training was killed, is cut off."""
    text = notes.read_text() if notes.exists() else ""
    whole = text[: text.rfind("\n") + 1]
    if whole != text:
        notes.write_text(whole)
    return [json.loads(line) for line in whole.splitlines()]


def _missing(done: set[tuple[str, int]]) -> Iterator[dict[str, Any]]:
    # The first training of a process reads the data and warms torch up, which would count as its seconds.
    trained(*trainings()[-1])
    for architecture, seed in trainings():
        if (named(architecture), seed) not in done:
            yield trained(architecture, seed)


def _write(rows: list[dict[str, Any]], out: Path) -> None:
    """Numbers in single precision: the file stays small, and is the same whatever wrote it."""
    import pyarrow as pa
    from pyarrow import parquet

    def typed(name: str) -> pa.Array:
        column = [row[name] for row in rows]
        kinds = {"cell": pa.string(), "seed": pa.int8(), "parameters": pa.int32(), "macs": pa.int32()}
        return pa.array(column, kinds.get(name, pa.float32()))

    parquet.write_table(pa.table({name: typed(name) for name in rows[0]}), out, compression="zstd")


if __name__ == "__main__":
    sys.exit(main())
