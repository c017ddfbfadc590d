"""The split of the rows of one table: stratified by class, or by whole groups, or at random."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from trainables.data.folding import Fold, fold_of, folds_of, refuse_given_validation
from trainables.data.grouped import drawn_groups
from trainables.data.multi_label import kinds_of, stratified_labels
from trainables.data.parts import PARTS, PartName
from trainables.data.split import stratified
from trainables.data.tables.columns import texts_of
from trainables.data.tables.on_disk import TableRows, joined_rows, rows_of
from trainables.data.tables.reading import RawTable
from trainables.data.tables.settings import TableSettings
from trainables.data.tables.several import classes_in
from trainables.errors import DataError

__all__ = ["split_fold", "split_table"]

Frames = dict[PartName, TableRows]


def split_table(table: RawTable, settings: TableSettings, kind: str) -> Frames:
    """Make the parts that a table does not have. The same seed gives the same parts on every machine.

    Args:
        table: the table in the parts that it has, and its targets.
        settings: the shares, the seed, the groups, and whether to train on the validation rows too.
        kind: of the target; each class keeps its share unless it is "regression".

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
    targets = table.targets
    if kind == "classification" and settings.validation_groups is None and wanted:
        _check_classes(parts["train"][targets[0]], targets[0], len(wanted))
    if kind == "labels" and wanted:
        _check_labels(parts["train"], table, 1 if settings.validation_groups is not None else len(wanted) + 1)
    for part, share, seed in wanted:
        parts["train"], parts[part] = _split(parts["train"], settings, targets, share, seed, kind)
    if settings.whole and "validation" in parts:
        parts["train"] = joined_rows(parts["train"], parts.pop("validation"))
    return {part: parts[part] for part in PARTS if part in parts}


def _split(
    frame: TableRows, settings: TableSettings, targets: Sequence[str], share: float, seed: int, kind: str
) -> tuple[TableRows, TableRows]:
    """The remaining rows and the drawn rows."""
    if settings.validation_groups is not None:
        column = settings.validation_groups
        drawn = drawn_groups(texts_of(frame[column]).codes, share, seed, column)
        return rows_of(frame, np.flatnonzero(~drawn)), rows_of(frame, np.flatnonzero(drawn))
    if kind != "regression":
        every, title = torch.arange(len(frame)), ", ".join(targets)
        if kind == "labels":
            rest, taken = stratified_labels(_labels(frame, targets), every, share, seed, title)
        else:
            labels = torch.from_numpy(texts_of(frame[targets[0]]).codes.astype(np.int64))
            rest, taken = stratified(labels, every, share, seed, title)
        return rows_of(frame, rest.numpy()), rows_of(frame, taken.numpy())
    if len(frame) < 2:
        raise DataError(f"{len(frame)} row is left to be split; give more rows")
    order = torch.randperm(len(frame), generator=torch.Generator().manual_seed(seed)).numpy()
    count = min(len(frame) - 1, max(1, round(share * len(frame))))
    return rows_of(frame, np.sort(order[count:])), rows_of(frame, np.sort(order[:count]))


def split_fold(
    frame: TableRows, settings: TableSettings, targets: Sequence[str], fold: Fold, kind: str
) -> dict[PartName, np.ndarray[Any, Any]]:
    """Part the rows outside the test by a fold.

    Args:
        frame: these rows.
        settings: the seed and the groups.
        targets: the columns that are predicted.
        fold: the fold that is for validation.
        kind: of the target; each class keeps its share unless it is "regression".

    Returns:
        The numbers of the rows for training and of those for validation, ascending.

    Raises:
        DataError: there are fewer rows, rows of a class, or groups than folds.
    """
    column, title = settings.validation_groups, f"target {', '.join(map(repr, targets))}"
    classes, names = None, []
    if kind == "classification":
        labels = texts_of(frame[targets[0]])
        classes, names = labels.codes.astype(np.int64), [str(value) for value in labels.values]
    elif kind == "labels":
        classes, names = kinds_of(_labels(frame, targets), fold.count).numpy(), [*targets, "none"]
    held = folds_of(
        fold,
        settings.seed + 1,
        title if classes is not None else "the table",
        count=len(frame),
        classes=classes,
        names=names,
        groups=None if column is None else texts_of(frame[column]).codes.astype(np.int64),
    )
    return {"train": np.flatnonzero(~held), "validation": np.flatnonzero(held)}


def _labels(frame: TableRows, targets: Sequence[str]) -> Tensor:
    return torch.from_numpy(classes_in(frame, targets, "training rows"))


def _check_groups(parts: Mapping[PartName, TableRows], column: str, name: str) -> None:
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


def _check_labels(frame: TableRows, table: RawTable, least: int) -> None:
    counts = _labels(frame, table.targets).long().sum(0)
    if int(counts.min()) < least:
        rare, count = int(counts.argmin()), int(counts.min())
        raise DataError(
            f"class {(table.classes or table.targets)[rare]!r} of the target has {count} row{'s' * (count != 1)}, and "
            f"{f'each of {least} parts' if least > 1 else 'the training'} needs one; add rows of it, or leave it out"
        )
