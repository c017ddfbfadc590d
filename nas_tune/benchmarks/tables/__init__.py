"""Tabular tasks: the results of finished trainings are looked up, in virtual time."""

from __future__ import annotations

from nas_tune.benchmarks.tables.benchmark import Benchmark, Curve, Fidelity, parse_fidelity
from nas_tune.benchmarks.tables.parquet import ParquetBenchmark
from nas_tune.benchmarks.tables.surrogate import SurrogateBenchmark
from nas_tune.benchmarks.tables.table import Table, find_table

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
