"""The split of the rows of one table: stratified by class, or by whole groups, or at random."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import torch

from trainables.data.folding import Fold, fold_of, folds_of, refuse_given_validation
from trainables.data.grouped import drawn_groups
from trainables.data.parts import PARTS, PartName
from trainables.data.split import stratified
from trainables.data.tables.columns import texts_of
from trainables.data.tables.reading import RawTable
from trainables.data.tables.settings import TableSettings
from trainables.errors import DataError

__all__ = ["split_fold", "split_table"]

Frames = dict[PartName, pd.DataFrame]


def split_table(table: RawTable, settings: TableSettings, target: str, *, by_class: bool) -> Frames:
    """Make the parts that a table does not have. The same seed gives the same parts on every machine.

    Args:
        table: the table in the parts that it has.
        settings: the shares, the seed, the groups, and whether to train on the validation rows too.
        target: the column that is predicted.
        by_class: whether each class keeps its share.

    Returns:
        The rows for training and for the test, and for validation unless `whole` is set. With folds those for
        validation are among those for training, see `split_fold`.

    Raises:
        DataError: a class or the groups are too few to be split, or a group is in several parts of the table.
    """
    parts: Frames = dict(table.parts)
    if settings.validation_groups is not None:
        _check_groups(parts, settings.validation_groups, table.name)
    wanted: list[tuple[PartName, float, int]] = []
    if "test" not in parts:
        wanted.append(("test", settings.test_share, settings.seed))
    fold = fold_of(settings)
    if fold is not None and "validation" in parts:
        refuse_given_validation(fold, table.name)
    if "validation" not in parts and not settings.whole and fold is None:
        wanted.append(("validation", settings.validation_share, settings.seed + 1))
    if by_class and settings.validation_groups is None and wanted:
        _check_classes(parts["train"][target], target, len(wanted))
    for part, share, seed in wanted:
        parts["train"], parts[part] = _split(parts["train"], settings, target, share, seed, by_class=by_class)
    if settings.whole and "validation" in parts:
        parts["train"] = pd.concat([parts["train"], parts.pop("validation")], ignore_index=True)
    return {part: parts[part].reset_index(drop=True) for part in PARTS if part in parts}


def _split(
    frame: pd.DataFrame, settings: TableSettings, target: str, share: float, seed: int, *, by_class: bool
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The remaining rows and the drawn rows."""
    if settings.validation_groups is not None:
        column = settings.validation_groups
        drawn = drawn_groups(texts_of(frame[column]).codes, share, seed, column)
        return frame[~drawn], frame[drawn]
    if by_class:
        labels = torch.from_numpy(texts_of(frame[target]).codes.astype(np.int64))
        rest, taken = stratified(labels, torch.arange(len(frame)), share, seed, target)
        return frame.iloc[rest.numpy()], frame.iloc[taken.numpy()]
    if len(frame) < 2:
        raise DataError(f"{len(frame)} row is left to be split; give more rows")
    order = torch.randperm(len(frame), generator=torch.Generator().manual_seed(seed)).numpy()
    count = min(len(frame) - 1, max(1, round(share * len(frame))))
    return frame.iloc[np.sort(order[count:])], frame.iloc[np.sort(order[:count])]


def split_fold(
    frame: pd.DataFrame, settings: TableSettings, target: str, fold: Fold, *, by_class: bool
) -> dict[PartName, np.ndarray[Any, Any]]:
    """Part the rows outside the test by a fold.

    Args:
        frame: these rows.
        settings: the seed and the groups.
        target: the column that is predicted.
        fold: the fold that is for validation.
        by_class: whether each class keeps its share.

    Returns:
        The numbers of the rows for training and of those for validation, ascending.

    Raises:
        DataError: there are fewer rows, rows of a class, or groups than folds.
    """
    labels, column = texts_of(frame[target]) if by_class else None, settings.validation_groups
    held = folds_of(
        fold,
        settings.seed + 1,
        f"target {target!r}" if by_class else "the table",
        count=len(frame),
        classes=None if labels is None else labels.codes.astype(np.int64),
        names=() if labels is None else [str(value) for value in labels.values],
        groups=None if column is None else texts_of(frame[column]).codes.astype(np.int64),
    )
    return {"train": np.flatnonzero(~held), "validation": np.flatnonzero(held)}


def _check_groups(parts: Mapping[PartName, pd.DataFrame], column: str, name: str) -> None:
    seen: dict[str, PartName] = {}
    for part, frame in parts.items():
        empty = np.flatnonzero(frame[column].isna())
        if len(empty):
            raise DataError(
                f"{name}: row {empty[0]} has no group in the column {column!r}; fill it in, or drop the row"
            )
        for group in texts_of(frame[column]).values:
            if group in seen:
                raise DataError(
                    f"{name}: group {group!r} of the column {column!r} has rows for {seen[group]} and for {part}; "
                    "move them to one part, or leave validation_groups out"
                )
            seen[group] = part


def _check_classes(target: pd.Series[Any], name: str, parted: int) -> None:
    texts = texts_of(target)
    counts = np.bincount(texts.codes, minlength=len(texts.values))
    if counts.min() <= parted:
        rare, count = texts.values[int(counts.argmin())], int(counts.min())
        raise DataError(
            f"class {rare!r} of target {name!r} has {count} row{'s' * (count > 1)}, and each of {parted + 1} parts "
            "needs one; add rows of it, join it with another class, or leave these rows out"
        )
