"""The control of the task `table`: the gradient boosting of scikit-learn at its defaults, on the same rows.

HistGradientBoosting needs no search and is hard to beat on tables. Its score beside that of a winner says what the
search was worth.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from trainables.controls import Control
from trainables.data.chosen import as_tensor
from trainables.data.tables import TableData, TablePart
from trainables.errors import first_line

__all__ = ["NAME", "boosted_trees"]

Measure = Callable[[Tensor, Tensor], Mapping[str, float]]
NAME = "HistGradientBoosting"
_MOST_CATEGORIES = 255
"""The most categories that scikit-learn takes; a column with more is given as numbers."""


def boosted_trees(data: TableData, measure: Measure, *, seed: int) -> Control:
    """Fit scikit-learn's HistGradientBoosting at its defaults on the training rows.

    Args:
        data: the table on the CPU.
        measure: a function of outputs and targets that returns the metrics. Outputs are those of a network: logarithms
            of probabilities (n, classes), or standardized numbers (n, 1).
        seed: the random state, which decides the rows by which the fit stops early.

    Returns:
        The metrics on the validation and the test rows, and the CPU seconds; or why there are none.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    start = time.process_time()
    kind = HistGradientBoostingClassifier if data.classes else HistGradientBoostingRegressor
    model = kind(random_state=seed)
    log = data.target.log
    parts: dict[str, Mapping[str, float]] = {}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of scikit-learn: how it bins
            model.fit(_frame(data, data.train), (data.train.targets.log() if log else data.train.targets).numpy())
            for name, part in (("validation", data.validation), ("test", data.test)):
                if len(part):
                    parts[name] = measure(_outputs(model, _frame(data, part), data), part.targets)
    except (ValueError, MemoryError) as error:
        return Control(NAME, {}, time.process_time() - start, first_line(error))
    return Control(NAME, parts, time.process_time() - start)


def _outputs(model: Any, frame: pd.DataFrame, data: TableData) -> Tensor:
    if not data.classes:
        predicted = torch.from_numpy(np.asarray(model.predict(frame), dtype=np.float64))
        return ((predicted - data.target.mean) / data.target.std)[:, None]
    shares = np.asarray(model.predict_proba(frame))
    return torch.from_numpy(np.log(np.clip(shares, 1e-15, None)))


def _frame(data: TableData, part: TablePart) -> pd.DataFrame:
    """The rows as they are: numbers with NaN, and codes, which are categories where scikit-learn takes this number."""
    encoding, numbers, categories = data.encoding, as_tensor(part.numbers), as_tensor(part.categories)
    columns: dict[str, object] = {}
    for index, number in enumerate(encoding.numbers):
        columns[f"number {number.name}"] = numbers[:, index].numpy()
    for index, column in enumerate(encoding.categories):
        codes = categories[:, index].numpy()
        fits = column.cardinality <= _MOST_CATEGORIES
        columns[f"category {column.name}"] = (
            pd.Categorical(codes, categories=range(column.cardinality)) if fits else codes.astype(np.float64)
        )
    return pd.DataFrame(columns)
