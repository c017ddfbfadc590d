"""The task `table`: the class or the number in a column of a table, or several of them, predicted from the others."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.nn import functional

from trainables.controls import Control
from trainables.data.tables import (
    Encoding,
    TableData,
    TablePart,
    TableSettings,
    Target,
    described_table,
    kind_of_table,
    load_table,
    table_checksum,
)
from trainables.data.tables.reading import read_rows
from trainables.data.tables.scaling import Scaling
from trainables.data.tables.table import inputs_of
from trainables.errors import TrainableError
from trainables.metrics import ACCURACY, AUC, F1, Metric, errors_in
from trainables.networks import NETWORKS, space_name
from trainables.networks.examples import features
from trainables.settings import check_number
from trainables.settings.groups import flat_settings, group
from trainables.tasks import multi_label
from trainables.tasks.gathering import GatheringMeter, Whole
from trainables.tasks.table_control import boosted_trees
from trainables.tasks.table_metrics import accuracy, auc, f1, log_loss, mae, r2, rmse
from trainables.tasks.task import Meter, Task

__all__ = ["TableTask"]

CLASSIFICATION = (AUC, ACCURACY, Metric("log_loss", "min", "nats", low=0.0), F1)
_CLASSES: Mapping[str, Whole] = {"auc": auc, "accuracy": accuracy, "log_loss": log_loss, "f1": f1}
_NUMBERS: Mapping[str, Whole] = {"rmse": rmse, "mae": mae, "r2": r2}


@dataclass(frozen=True, kw_only=True)
class TableTask(Task):
    """The target columns of a table, predicted from its other columns.

    Metrics and the primary one depend on the target: of two classes it is `auc`, of more `accuracy`, of numbers `rmse`.
    Where a row may have several classes it is `map`, and of several numbers `r2`, which has no unit. They are read from
    the settings where these say it (`kind="regression"`), else from the data.
    """

    name: ClassVar[str] = "table"

    fixed_settings: ClassVar[Collection[str]] = frozenset({*flat_settings(TableSettings), "unit"}) - {
        "numbers",
        "log_target",
    }

    data: TableSettings = field(default_factory=TableSettings, metadata=group(TableSettings))
    """Which rows, what is predicted, how columns are read, and how the rows are split."""
    label_smoothing: float = 0.0
    """The share of the target of a classification that is spread over all classes in training."""
    unit: str = ""
    """The unit of a predicted number, such as "USD", which is shown beside its errors."""

    def __post_init__(self) -> None:
        check_number("label_smoothing", self.label_smoothing, 0, 0.9)
        errors_in(self.unit)  # refuses what is not a unit

    @property
    def metrics(self) -> Sequence[Metric]:
        """Those of classes, or those of numbers."""
        kind, _ = kind_of_table(self.data)
        if kind == "labels":
            return multi_label.METRICS
        return CLASSIFICATION if kind == "classification" else errors_in(self.unit)

    @property
    def primary(self) -> str:
        """`auc` for two classes, `accuracy` for more, `map` for any of them; `rmse` for a number, `r2` for several."""
        kind, classes = kind_of_table(self.data)
        if kind == "labels":
            return multi_label.METRICS[0].name
        if kind == "regression":
            return "r2" if len(self.data.targets) > 1 else "rmse"
        return "auc" if classes == 2 else "accuracy"

    def load(self, device: torch.device) -> TableData:
        """Load the table; later calls with equal settings take it from memory."""
        return load_table(self.data, device)

    def loss(self, outputs: Tensor, targets: Tensor, data: TableData) -> Tensor:
        """Compute the mean cross-entropy in nats, or the mean squared error of standardized targets."""
        if data.multi_label:
            return multi_label.loss(outputs, targets, smoothing=self.label_smoothing)
        found, wanted = self.for_loss(outputs, targets, data)
        if data.classes:
            return functional.cross_entropy(found, wanted, label_smoothing=self.label_smoothing)
        return functional.mse_loss(found, wanted)

    def for_loss(self, outputs: Tensor, targets: Tensor, data: TableData) -> tuple[Tensor, Tensor]:
        """Standardize a predicted number, (n,), as the outputs are, or several, (n, k); of their logarithms where the
        task says so. 0 and 1 of several classes become floats.
        """
        if data.classes:
            return outputs.float(), targets.float() if data.multi_label else targets
        found = outputs.float()
        return found if data.target.columns else found[:, 0], data.target.standardized(targets)

    def for_metrics(self, outputs: Tensor, targets: Tensor, data: TableData) -> tuple[Tensor, Tensor]:
        """Bring a predicted number to its units, (n,), or several, (n, k); numbers of classes are whole."""
        if data.classes:
            return outputs.float(), targets.long() if data.multi_label else targets
        return data.target.in_units(outputs), targets

    def meter(self, data: TableData, names: Sequence[str]) -> Meter:
        """Measure on all rows at once; errors of numbers are in units of the target."""
        if data.multi_label:
            return multi_label.meter(names)
        if data.classes:
            return GatheringMeter(_CLASSES, names)

        def in_units(metric: Whole) -> Whole:
            return lambda outputs, targets: metric(data.target.in_units(outputs), targets)

        return GatheringMeter({name: in_units(metric) for name, metric in _NUMBERS.items()}, names)

    def decode(self, outputs: Tensor, data: TableData) -> list[Any]:
        """Name the most likely class of each row, or all that are more likely than not where it may have several; or
        give its number in units of the target, of several a list.
        """
        if data.multi_label:
            return multi_label.classes_of(outputs, data.classes)
        if data.classes:
            return [data.classes[index] for index in outputs.argmax(1).tolist()]
        found: list[Any] = data.target.in_units(outputs).tolist()
        return found

    def exported(self, data: TableData) -> dict[str, Any]:
        """Return the scale of a predicted number, how columns become the raw inputs, and what these are."""
        names = [column.name for column in data.encoding.numbers]
        meanings = {"numbers": f"the columns {', '.join(names)}; NaN where one is missing"}
        if data.encoding.categories:
            coded = ", ".join(column.name for column in data.encoding.categories)
            meanings["categories"] = f"the codes of the columns {coded}"
        reading = {
            "encoding": data.encoding.to_dict(),
            "scaling": data.scaling.to_dict(),
            "target": data.target.to_dict(),
        }
        found: dict[str, Any] = {"meanings": meanings, "reading": reading}
        found["pipeline"] = f"tabular-{'classification' if data.classes else 'regression'}"
        if data.multi_label:
            meanings["output"] = "one number for each class, of which a row may have several, before sigmoid"
        elif data.target.columns:
            meanings["output"] = f"the numbers {data.target.name}"
        if not data.classes:
            found |= {"output_mean": data.target.mean, "output_std": data.target.std}
            found |= {"finish": torch.exp} if data.target.log else {}
        return found

    def restored(self, reading: Mapping[str, Any], classes: Sequence[str], *, finished: bool) -> TableData:
        """Make a table without rows, whose target has the units of the outputs."""
        encoding, target = Encoding.from_dict(reading["encoding"]), Target.from_dict(reading["target"])
        scaling = Scaling.from_dict(reading["scaling"])
        empty = TablePart(torch.zeros(0, 0), torch.zeros(0, 0), torch.zeros(0))
        count = len(target.mean)
        log = target.log and not finished
        unscaled = dataclasses.replace(target, mean=(0.0,) * count, std=(1.0,) * count, log=log)
        return TableData("", empty, empty, empty, encoding, scaling, unscaled)

    def read(self, x: Any, like: Any, data: TableData) -> tuple[Any, Sequence[str]]:
        """Read rows: a DataFrame, a dict of columns, an array, or Parquet and CSV files; the target may be missing."""
        frame, place = read_rows(x, self.data.missing)
        numbers, codes = data.encoding.encode(frame, place)
        return inputs_of(torch.from_numpy(numbers), torch.from_numpy(codes)), []

    def probabilities(self, outputs: Tensor, data: TableData) -> Tensor | None:
        """Return the softmax of the outputs, the sigmoid where a row may have several classes; None for numbers."""
        if data.multi_label:
            return outputs.float().sigmoid()
        return outputs.float().softmax(1) if data.classes else None

    def full_recipe(self) -> dict[str, object]:
        """Train the winner on the validation rows too."""
        return {"whole": True}

    def check_space(self, space: object) -> None:
        """Check that the networks of a space take rows of a table."""
        family = NETWORKS.get(space_name(space))
        built_in = space_name(space) in NETWORKS.built_in()
        if built_in and family.example is not features:
            known = ", ".join(name for name in NETWORKS.built_in() if NETWORKS.get(name).example is features)
            raise TrainableError(
                f"the networks of {space_name(space)} take no rows of a table; give one of the spaces "
                f"for tables: {known}"
            )

    def about(self) -> list[str]:
        """Describe the parts, the target, the columns, and what was noticed."""
        return described_table(self.data)

    def controls(self) -> list[Control]:
        """Fit gradient boosting at its defaults on the training rows, which takes seconds."""
        data = self.load(torch.device("cpu"))

        def measure(outputs: Tensor, targets: Tensor) -> dict[str, float]:
            meter = self.meter(data, [metric.name for metric in self.metrics])
            meter.add(outputs, targets)
            return meter.result()

        return [boosted_trees(data, measure, seed=self.data.seed)]

    def checksum(self) -> str:
        """Compute a checksum of all cells, whatever the split."""
        return table_checksum(self.data)

    def identity(self) -> dict[str, object]:
        """Return every setting by its dotted name; a data frame is known by its checksum."""
        values: dict[str, object] = {"label_smoothing": self.label_smoothing}
        for one in dataclasses.fields(self.data):
            value = getattr(self.data, one.name)
            if one.name in ("stream", "loaders") or (one.name in ("folds", "fold") and value is None):
                continue  # the numbers are the same
            values[f"data.{one.name}"] = list(value) if isinstance(value, tuple) else value
        if not isinstance(self.data.data, str | Path):
            values["data.data"] = self.checksum()
        return values


Table = TableTask
"""The former name of the class, which own code and older runs may hold."""
