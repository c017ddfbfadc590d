"""Tabular tasks: trainings that were done before and are looked up, in virtual time."""

from __future__ import annotations

from nas_tune.tables.benchmark import Benchmark, Curve, Fidelity, parse_fidelity
from nas_tune.tables.parquet import ParquetBenchmark
from nas_tune.tables.surrogate import SurrogateBenchmark
from nas_tune.tables.table import Table, find_table

__all__ = [
    "Benchmark",
    "Curve",
    "Fidelity",
    "ParquetBenchmark",
    "SurrogateBenchmark",
    "Table",
    "find_table",
    "parse_fidelity",
]
