"""The control of the task `table`: the gradient boosting of scikit-learn at its defaults, on the same rows.

HistGradientBoosting needs no search and is hard to beat on tables. Its score beside that of a winner says what the
search was worth.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from trainables.controls import Control
from trainables.data.streaming import free_memory
from trainables.data.tables import TableData, TablePart
from trainables.errors import first_line

__all__ = ["NAME", "boosted_trees"]

Measure = Callable[[Tensor, Tensor], Mapping[str, float]]
NAME = "HistGradientBoosting"
_LEAST = 1e-15
"""The least probability, whose logarithm is finite."""
_SHARE = 0.125
"""The share of the free memory that rows of a streamed table may take .."""
_BYTES = 40
""".. and the bytes of a cell, with the copies that scikit-learn makes."""
_PIECE = 2**17
"""The streamed rows that are predicted at once."""
_MOST_CATEGORIES = 255
"""The most categories that scikit-learn takes; a column with more is given as numbers."""


def boosted_trees(data: TableData, measure: Measure, *, seed: int) -> Control:
    """Fit scikit-learn's HistGradientBoosting at its defaults on the training rows, one for each of several targets.

    Of a table that is streamed it is fitted on as many rows as take an eighth of the free memory, drawn at random, and
    the name says so.

    Args:
        data: the table on the CPU.
        measure: a function of outputs and targets that returns the metrics. Outputs are those of a network: logarithms
            of probabilities (n, classes), of the odds of each class where a row may have several, or standardized
            numbers (n, k).
        seed: the random state, which decides the rows by which the fit stops early.

    Returns:
        The metrics on the validation and the test rows, and the CPU seconds; or why there are none.
    """
    start = time.process_time()
    parts: dict[str, Mapping[str, float]] = {}
    train, name = _within_memory(data.train, seed), NAME
    if len(train) < len(data.train):
        name = f"{NAME} fitted on {len(train)} of {len(data.train)} rows"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of scikit-learn: how it bins
            models = _fitted(data, train, seed)
            for title, part in (("validation", data.validation), ("test", data.test)):
                if len(part):
                    pieces = [_outputs(models, _frame(data, piece), data) for piece in _pieces(part)]
                    parts[title] = measure(torch.cat(pieces), part.targets)
    except (ValueError, MemoryError) as error:
        return Control(name, {}, time.process_time() - start, first_line(error))
    return Control(name, parts, time.process_time() - start)


def _within_memory(part: TablePart, seed: int) -> TablePart:
    """All rows, or as many as fit into memory where they are streamed."""
    if not part.is_streamed or not len(part):
        return part
    width = part.numbers.shape[1] + part.categories.shape[1]
    most = max(1, int(_SHARE * free_memory() / (_BYTES * max(1, width))))
    if len(part) <= most:
        return part
    drawn = torch.randperm(len(part), generator=torch.Generator().manual_seed(seed))[:most].sort().values
    return part.chosen(drawn)


def _pieces(part: TablePart) -> Iterator[TablePart]:
    """The rows in order, some at once where they are streamed."""
    size = _PIECE if part.is_streamed else len(part)
    for start in range(0, len(part), size):
        yield part.chosen(torch.arange(start, min(start + size, len(part))))


def _fitted(data: TableData, train: TablePart, seed: int) -> list[Any]:
    """A model of the target, or of each of several."""
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    kind = HistGradientBoostingClassifier if data.classes else HistGradientBoostingRegressor
    targets = train.targets.log() if data.target.log else train.targets
    rows, columns = _frame(data, train), targets.unbind(1) if targets.dim() == 2 else (targets,)
    models = []
    for column in columns:
        is_constant = data.multi_label and bool(column.all())
        models.append(None if is_constant else kind(random_state=seed).fit(rows, column.numpy()))
    return models


def _outputs(models: Sequence[Any], frame: pd.DataFrame, data: TableData) -> Tensor:
    """What a network would return. A class that all training rows have has no model, and is always there."""
    if not data.classes:
        predicted = [torch.from_numpy(np.asarray(model.predict(frame), dtype=np.float64)) for model in models]
        scales = zip(predicted, data.target.mean, data.target.std, strict=True)
        return torch.stack([(one - mean) / std for one, mean, std in scales], 1)
    if not data.multi_label:
        return torch.from_numpy(np.log(np.clip(np.asarray(models[0].predict_proba(frame)), _LEAST, None)))
    shares = [
        np.ones(len(frame)) if model is None else np.asarray(model.predict_proba(frame))[:, 1] for model in models
    ]
    clipped = np.clip(np.stack(shares, 1), _LEAST, 1 - _LEAST)
    return torch.from_numpy(np.log(clipped) - np.log1p(-clipped))


def _frame(data: TableData, part: TablePart) -> pd.DataFrame:
    """The rows as they are: numbers with NaN, and codes, which are categories where scikit-learn takes this number."""
    every = torch.arange(len(part))
    numbers, categories = part.numbers.index_select(0, every), part.categories.index_select(0, every)
    columns: dict[str, object] = {}
    for index, number in enumerate(data.encoding.numbers):
        columns[f"number {number.name}"] = numbers[:, index].numpy()
    for index, column in enumerate(data.encoding.categories):
        codes = categories[:, index].numpy()
        fits = column.cardinality <= _MOST_CATEGORIES
        columns[f"category {column.name}"] = (
            pd.Categorical(codes, categories=range(column.cardinality)) if fits else codes.astype(np.float64)
        )
    return pd.DataFrame(columns)
