"""Trials a second in the races of `nas-tune bench`: a look-up in a table a trial, the ledger in memory.

    python tests/benchmarks/races.py

The table is made here, a row a cell of nb201; where NAS_TUNE_TABLES names the folder of the real one, that is measured
too. Seconds are of the processor: races take all cores, and share them with nobody. Rounds are interleaved.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
from _report import heading, interleaved, line
from pyarrow import parquet

import search_spaces
from nas_tune.benchmarks.races import Contest, contestant_of
from nas_tune.benchmarks.races.contest import run_race
from nas_tune.benchmarks.tables.table import FOLDER_VARIABLE, find_table
from nas_tune.config import Component
from nas_tune.errors import ConfigError
from tests.toys import quality

TRIALS, ROUNDS = 500, 3
AT_LEAST = {"random": 1_000, "evolution": 300}
REAL_FILE = "nb201/nb201_cifar10.parquet"
REAL: Mapping[str, Any] = {
    "file": REAL_FILE,
    "column": "arch_str",
    "fidelities": ("12:c10_val_12:c10_cost_12_s",),
    "test": "c10_test_200",
}


def own_table(folder: Path) -> Mapping[str, Any]:
    """The settings of a table of all cells, as good as their operations."""
    space: Any = search_spaces.get("nb201")
    cells = list(space.enumerate())
    values = [quality(cell) for cell in cells]
    columns = {"cell": [space.to_string(cell) for cell in cells], "value": values, "seconds": [100.0] * len(cells)}
    file = folder / "cells.parquet"
    parquet.write_table(pa.table(columns), file)
    return {"file": str(file), "column": "cell", "fidelities": ("3:value:seconds",)}


def processor_seconds(run: Callable[[], object]) -> float:
    started = time.process_time()
    run()
    return time.process_time() - started


def measure(table: Mapping[str, Any]) -> None:
    contest = Contest(Component("nb201"), table, 1e9, max_trials=TRIALS)
    races = {name: partial(run_race, contest, contestant_of(name), 0) for name in AT_LEAST}
    for name, seconds in interleaved(races, ROUNDS, seconds=processor_seconds).items():
        line(name, TRIALS / seconds, "trials/s", at_least=AT_LEAST[name])


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        heading(f"races of {TRIALS} trials on a table made here, ledger in memory")
        measure(own_table(Path(scratch)))
    try:
        find_table(REAL_FILE)
    except ConfigError:
        print(f"  the real table is not below {FOLDER_VARIABLE}={os.environ.get(FOLDER_VARIABLE, '')}: not measured")
        return
    heading("the same on NAS-Bench-201")
    measure(REAL)


if __name__ == "__main__":
    main()
