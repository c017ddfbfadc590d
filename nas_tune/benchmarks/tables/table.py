"""The trainable of a tabular task: each step looks up the next fidelity and the seconds that it would have taken.

executor = "simulated"

[trainable]
name = "table"
file = "nb201_cifar10.parquet"                       # or below the folder that NAS_TUNE_TABLES names
column = "arch_str"
fidelities = ["12:c10_val_12:c10_cost_12_s"]
test = "c10_test_200"
costs = { macs = "c10_flops", parameters = "c10_params" }   # what `limits` can bound

or, with a surrogate (`nas-tune[surrogate]`):

[trainable]
name = "table"
file = "nb301_v0.onnx"
"""

from __future__ import annotations

import functools
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import search_spaces
from nas_tune.benchmarks.tables.benchmark import Benchmark, Curve, parse_fidelity
from nas_tune.benchmarks.tables.parquet import ParquetBenchmark
from nas_tune.benchmarks.tables.surrogate import SurrogateBenchmark
from nas_tune.errors import ConfigError
from nas_tune.executors.simulated import COST
from nas_tune.objectives.objective import mode_left_out
from search_spaces import Architecture, Space
from trainables.errors import EndOfTraining, TrainableError
from trainables.metrics import ACCURACY, Metric, Mode

__all__ = ["FOLDER_VARIABLE", "Table", "find_table"]

FOLDER_VARIABLE = "NAS_TUNE_TABLES"


class Table:
    """Looks up the results of trainings.

    Args:
        space: name of the space (or a `Space`) whose members the table has.
        file: a Parquet or CSV file, or an ONNX surrogate; a relative path is looked for here, then below
            `NAS_TUNE_TABLES`.
        column: the column of the architectures; None for a surrogate, which has no columns.
        fidelities: `EPOCHS:VALUE_COLUMN:COST_COLUMN`, rising; costs are seconds from the start. For a surrogate
            `EPOCHS` alone, and all its epochs if none is given.
        encoding: how the column writes the architectures: string, genotype or json.
        test: the column of the score on data that no search sees, for `evaluate("test")`; None without one.
        metric: the name under which values are reported.
        mode: whether more ("max") or less ("min") of it is better; may be left out for accuracy.
        unit: the unit of the values, such as "%"; empty where there is none.
        costs: the columns of costs by the name of the cost, such as {"macs": "c10_flops"}; by default none. They are in
            the units of `trainables.costs.quantities`.
    """

    checkpoints = False
    looks_costs_up = True

    def __init__(
        self,
        *,
        space: object,
        file: str,
        column: str | None = None,
        fidelities: Sequence[str] = (),
        encoding: str = "string",
        test: str | None = None,
        metric: str = ACCURACY.name,
        mode: Mode | None = None,
        unit: str = "",
        costs: Mapping[str, str] | None = None,
    ) -> None:
        self.metrics_of({"metric": metric, "mode": mode, "unit": unit})  # refuses a wrong mode or unit
        named = tuple((costs or {}).items())
        self._arguments = (space, str(find_table(file)), column, encoding, tuple(fidelities), test, named)
        self.counts = [name for name, _ in named]
        self.metric = metric
        self._architecture: Architecture | None = None
        self._curve: Curve | None = None
        self._next = 0

    @classmethod
    def metrics_of(cls, settings: Mapping[str, Any]) -> list[Metric]:
        """Declare the metric of a table. Its interval is not known: some tables have accuracies in percent.

        Args:
            settings: of the table.

        Returns:
            The metric; nothing where its mode is not known.

        Raises:
            TrainableError: the mode or the unit cannot be.
        """
        metric = str(settings.get("metric", ACCURACY.name))
        mode = settings.get("mode") or mode_left_out(metric)
        return [] if mode is None else [Metric(metric, cast(Mode, mode), settings.get("unit", ""))]

    @functools.cached_property
    def benchmark(self) -> Benchmark:
        """The table or surrogate, read once in a process."""
        return _opened(*self._arguments)

    def setup(self, architecture: Architecture, *, seed: int, max_epochs: int) -> None:
        """Look up the curve of the architecture."""
        self._architecture = architecture
        self._curve = self.benchmark.curve(architecture, seed)
        self._next = 0

    def step(self) -> Mapping[str, float]:
        """Look up the next fidelity.

        Returns:
            Its `epoch`, the metric, and `cost_seconds` since the fidelity before.

        Raises:
            TrainableError: `setup` was not called.
            EndOfTraining: the table has no result after its last fidelity.
        """
        curve, index = self._curve, self._next
        if curve is None:
            raise TrainableError("the table was used before setup(); call setup() first")
        if index == len(curve.values):
            raise EndOfTraining("the table has no result after its last fidelity")
        before = curve.seconds[index - 1] if index else 0.0
        self._next = index + 1
        return {
            "epoch": self.benchmark.epochs[index],
            self.metric: curve.values[index],
            COST: curve.seconds[index] - before,
        }

    def costs(self, architecture: Architecture, names: Sequence[str]) -> Mapping[str, float]:
        """Look up costs of an architecture.

        Args:
            architecture: a member of the space.
            names: of the costs, of `counts`.

        Returns:
            Each of them by its name.
        """
        known = self.benchmark.costs(architecture)
        return {name: known[name] for name in names}

    def save(self, folder: Path) -> None:
        """Save nothing: a look-up starts again at no cost."""

    def load(self, folder: Path) -> None:
        """Load nothing: the look-up starts again."""

    def evaluate(self, split: str) -> Mapping[str, float]:
        """Look up the score on the test data; a table has no other split."""
        if self._architecture is None:
            raise TrainableError("the table was used before setup(); call setup() first")
        score = self.benchmark.test(self._architecture) if split == "test" else None
        if score is None:
            raise TrainableError(f"the table has no score on split {split!r}; name a `test` column and ask for 'test'")
        return {self.metric: score}


def find_table(file: str) -> Path:
    """Find a file here, or below the folder that the environment variable NAS_TUNE_TABLES names.

    Args:
        file: its name or path.

    Returns:
        The path of the file.

    Raises:
        ConfigError: it is in neither place.
    """
    places = [Path(file).expanduser()]
    root = os.environ.get(FOLDER_VARIABLE)
    if root and not places[0].is_absolute():
        places.append(Path(root) / file)
    for place in places:
        if place.is_file():
            return place
    hint = "" if root else f"; set {FOLDER_VARIABLE} to the folder of tables"
    raise ConfigError(f"table {file!r} is not there (looked at {', '.join(map(str, places))}){hint}")


@functools.lru_cache(maxsize=4)
def _opened(
    space: object,
    file: str,
    column: str | None,
    encoding: str,
    fidelities: tuple[str, ...],
    test: str | None,
    costs: tuple[tuple[str, str], ...],
) -> Benchmark:
    of = space if isinstance(space, Space) else search_spaces.get(str(space))
    if Path(file).suffix == ".onnx":
        return _surrogate(
            of, Path(file), fidelities, {"column": column, "test": test, "costs": str(dict(costs)) if costs else None}
        )
    parsed = [parse_fidelity(text) for text in fidelities]
    if column is None:
        raise ConfigError(f"table {file}: name the column that holds the architectures")
    return ParquetBenchmark(
        Path(file), of, column=column, encoding=encoding, fidelities=parsed, test=test, costs=dict(costs)
    )


def _surrogate(space: Space, file: Path, fidelities: Sequence[str], columns: Mapping[str, str | None]) -> Benchmark:
    named = [f"{name} = {value!r}" for name, value in columns.items() if value is not None]
    wrong = [text for text in fidelities if not text.isdecimal()]
    if named or wrong:
        raise ConfigError(f"table {file} is a surrogate without columns: leave out {', '.join([*named, *wrong])}")
    return SurrogateBenchmark(file, space, [int(text) for text in fidelities])
