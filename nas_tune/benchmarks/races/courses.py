"""The course of races as a Parquet file: a row for every better architecture that a race chose."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from nas_tune.benchmarks.races.contest import Race
from nas_tune.errors import ConfigError

__all__ = ["write_courses"]


def write_courses(races: Sequence[Race], out: Path) -> None:
    """Write the columns strategy, seed, seconds, validation, test, and trials (their number in the race).

    Args:
        races: the finished races.
        out: the file.

    Raises:
        ConfigError: `out` cannot be written.
    """
    import pyarrow as pa
    from pyarrow import parquet

    rows = []
    for race in races:
        about = {"strategy": race.contestant, "seed": race.seed, "trials": race.trials}
        for seconds, value, test in zip(race.seconds, race.values, race.tests, strict=True):
            rows.append({**about, "seconds": seconds, "validation": value, "test": test})
    kinds = [("strategy", pa.string()), ("seed", pa.int64()), ("seconds", pa.float64())]
    kinds += [("validation", pa.float64()), ("test", pa.float64()), ("trials", pa.int64())]
    aside = out.with_name(f"{out.name}.part")
    try:
        parquet.write_table(pa.Table.from_pylist(rows, pa.schema(kinds)), aside)
        aside.replace(out)
    except OSError as error:
        raise ConfigError(f"{out} cannot be written: {error}") from error
