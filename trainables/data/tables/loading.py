"""Loading of tables: read, checked, split, encoded, and kept for later calls in this process."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from trainables.data.cache_keys import CacheKey
from trainables.data.chosen import ChosenRows, Rows, as_tensor
from trainables.data.folding import FoldCache, fold_of
from trainables.data.parts import PartName
from trainables.data.streaming import MappedRows, by_threads, free_memory, why_streamed
from trainables.data.tables.columns import check_known, kinds_of, texts_of
from trainables.data.tables.encoding import Encoding
from trainables.data.tables.on_disk import DiskRows, TableRows, rows_of
from trainables.data.tables.reading import RawTable, bytes_in_memory, places_of, read_rows, read_table, table_files
from trainables.data.tables.scaling import Scaling
from trainables.data.tables.settings import TableSettings
from trainables.data.tables.several import constant_classes, kind_of_columns, with_columns
from trainables.data.tables.splitting import split_fold, split_table
from trainables.data.tables.streamed import StreamedTable, row_hashes
from trainables.data.tables.table import TableData, TablePart
from trainables.data.tables.target import Target, check_target, kind_of_target
from trainables.errors import DataError
from trainables.kept_data import is_kept

__all__ = ["described_table", "frames_of", "kind_of_table", "load_table", "table_checksum"]

Array = np.ndarray[Any, Any]
_SHOWN = 20


def load_table(settings: TableSettings, device: torch.device) -> TableData:
    """Load a table and keep it for later calls; a change of the settings or files reads it again.

    Args:
        settings: the table, its target and its split.
        device: where the rows are stored.

    Returns:
        The table in three parts.

    Raises:
        DataError: the table is missing or damaged, has no such target, or cannot be split or learned from.
    """
    stamp, place = _stamp(settings), str(device)
    if (fold := fold_of(settings)) is None:
        return _load(CacheKey(settings), place, stamp)
    key = (_whole(settings), place, stamp)
    folded = CacheKey(settings)
    return _FOLDS.get(key, fold, dict, lambda shared: _loaded(folded, place, stamp, shared))


def kind_of_table(settings: TableSettings) -> tuple[str, int]:
    """Decide what is learned; reads the table unless the settings say it.

    Args:
        settings: the table and its target.

    Returns:
        "classification" and the number of classes, "labels" and that of the classes of which a row may have several, or
        "regression" and 0.
    """
    if settings.kind == "regression" or settings.log_target:
        return "regression", 0
    if settings.kind == "classification" and len(settings.targets) > 1:
        return "labels", len(settings.targets)
    data = load_table(settings, torch.device("cpu"))
    kind = "labels" if data.multi_label else "classification" if data.classes else "regression"
    return kind, len(data.classes)


def frames_of(settings: TableSettings) -> dict[PartName, TableRows]:
    """Read the rows of each part as they are in the table.

    Args:
        settings: the table, its target and its split.

    Returns:
        The rows by part: "train" and "test", and "validation" unless training uses it too.
    """
    return _frames(settings, _stamp(settings))[0]


def described_table(settings: TableSettings) -> list[str]:
    """Describe a table for a person: parts, target, columns, and what was noticed.

    Args:
        settings: the table, its target and its split.

    Returns:
        One line for each fact.
    """
    data = load_table(settings, torch.device("cpu"))
    given = _read(_whole(settings), _stamp(settings)).parts
    counts = [f"{len(data.train)} rows to train on"]
    for part, rows, share in (("validation", data.validation, "validation_share"), ("test", data.test, "test_share")):
        if len(rows):
            drawn = "as given" if part in given else f"drawn ({share} = {getattr(settings, share):g})"
            if part == "validation" and (fold := fold_of(settings)) is not None:
                drawn = f"({fold})"
            counts.append(f"{len(rows)} for {part} {drawn}")
    target = data.target
    if target.classes:
        more = ", .." if len(target.classes) > _SHOWN else ""
        how = (
            f"any of {len(target.classes)} classes a row"
            if target.multi_label
            else f"into {len(target.classes)} classes"
        )
        what = f"classification{',' if target.multi_label else ''} {how}: {', '.join(target.classes[:_SHOWN])}{more}"
        if len(target.classes) == 2 and not target.multi_label:
            what += f" (of two, f1 is that of {target.classes[1]})"
    else:
        numbers = f"{len(target.mean)} numbers" if target.columns else ""
        if target.log:
            what = f"regression of the logarithms of {numbers}" if numbers else "regression of its logarithm"
        else:
            what = f"regression of {numbers}" if numbers else "regression"
    columns = [f"{data.name}: {', '.join(counts)}", f"target {target.name}: {what}"]
    for title, found in (("numbers", data.encoding.numbers), ("categories", data.encoding.categories)):
        if found:
            columns.append(f"{title}: {', '.join(column.name for column in found)}")
    return [*columns, *data.notes]


def table_checksum(settings: TableSettings) -> str:
    """Compute a checksum of all cells, however the rows are split.

    Args:
        settings: the table.

    Returns:
        16 hexadecimal digits.
    """
    found = hashlib.sha256()
    for part, frame in _read(_whole(settings), _stamp(settings)).parts.items():
        found.update(part.encode())
        for column in map(str, frame.columns):
            texts = texts_of(frame[column])
            found.update(repr((str(column), texts.values)).encode())
            found.update(np.ascontiguousarray(texts.codes, dtype="<i8").tobytes())
    return found.hexdigest()[:16]


def _whole(settings: TableSettings) -> CacheKey[TableSettings]:
    """The key of a table whatever the fold, so that it is read once for all of them."""
    return CacheKey(replace(settings, fold=None))


@lru_cache(maxsize=2)
def _read(key: CacheKey[TableSettings], stamp: tuple[object, ...]) -> RawTable:
    settings = key.settings
    if settings.target is None:
        path = _path(settings)
        rows, _ = read_rows(settings.data if path is None else path, settings.missing)
        known = ", ".join(map(str, rows.columns[:20])) + (", .." if len(rows.columns) > 20 else "")
        raise DataError(
            f'no target is given; give target="<column>", the column that is predicted; its columns: {known}'
        )
    targets = settings.targets
    path = _path(settings)
    why = _why_streamed(settings, path)
    table = read_table(settings.data, path, targets, settings.missing, on_disk=bool(why))
    table = replace(table, notes=[*table.notes, why]) if why else table
    train = table.parts["train"]
    check_known(train, "target", targets, table.name)
    groups = [] if settings.validation_groups is None else [settings.validation_groups]
    check_known(train, "validation_groups", groups, table.name)
    for name in ("numeric", "categorical", "drop"):
        check_known(train, name, getattr(settings, name), table.name)
        for target in targets:
            if target in getattr(settings, name):
                raise DataError(f"{name} names {target!r}, which is the target; leave it out there")
    for part, frame in table.parts.items():
        for target in targets:
            check_target(frame[target], f"{table.name}, {part} rows" if len(table.parts) > 1 else table.name)
    return with_columns(table, settings)


Frames = dict[PartName, TableRows]
_Held = dict[PartName, tuple[Rows, Rows]]
"""The numbers and the codes of each part, on the device."""
_Inputs = Mapping[PartName, tuple[Rows | MappedRows, Rows | MappedRows]]
"""The same, or streamed."""


def _why_streamed(settings: TableSettings, path: Path | None) -> str:
    """A note for a person where the rows stay on the disk; empty where they are read before."""
    if path is None and settings.stream:
        raise DataError("stream is true, and the data are a data frame in memory; leave it out, or give a file")
    if path is None or settings.stream is False:
        return ""
    needed = 0.0
    if settings.stream is None:
        needed = bytes_in_memory(table_files(path), settings.missing, enough=free_memory() / 4)
    how = by_threads(settings.loaders, "read")
    return why_streamed(int(needed), settings.stream, how, "the rows", "stream = false reads them before")


@lru_cache(maxsize=2)
def _drawn(key: CacheKey[TableSettings], stamp: tuple[object, ...]) -> tuple[Frames, str]:
    """The rows of each part, whatever the fold, and the kind of the target."""
    settings, table = key.settings, _read(key, stamp)
    train, targets = table.parts["train"], table.targets
    given = "regression" if settings.log_target else settings.kind
    if len(targets) > 1:
        kind = kind_of_columns(train, targets, given)
    else:
        kind = kind_of_target(train[targets[0]], given)
    return split_table(table, settings, kind), kind


def _frames(settings: TableSettings, stamp: tuple[object, ...]) -> tuple[Frames, dict[PartName, Tensor]]:
    """The rows of each part; of a fold also their numbers among the rows outside the test."""
    frames, kind = _drawn(_whole(settings), stamp)
    if (fold := fold_of(settings)) is None:
        return frames, {}
    outside = frames["train"]
    targets = _read(_whole(settings), stamp).targets
    parted = split_fold(outside, settings, targets, fold, kind)
    folded = {part: rows_of(outside, rows) for part, rows in parted.items()}
    return {**folded, "test": frames["test"]}, {part: torch.from_numpy(rows) for part, rows in parted.items()}


def _loaded(
    key: CacheKey[TableSettings], device: str, stamp: tuple[object, ...], shared: dict[Encoding, Any] | None = None
) -> TableData:
    settings, place = key.settings, torch.device(device)
    table, (drawn, kind) = _read(_whole(settings), stamp), _drawn(_whole(settings), stamp)
    frames, rows = _frames(settings, stamp)
    groups = settings.validation_groups
    target = Target.fit(frames["train"], table.targets, kind, log=settings.log_target)
    target = replace(target, classes=table.classes or target.classes)
    notes = list(table.notes)
    used = frames["train"].drop(columns={*table.targets, *settings.drop, *([] if groups is None else [groups])})
    encoding = Encoding.fit(frames["train"], kinds_of(used, settings.numeric, settings.categorical, notes), notes)
    # Where the training rows of two folds decide the same encoding, the folds share the encoded rows.
    shared = {} if shared is None else shared
    on_disk = {part: frame for part, frame in frames.items() if isinstance(frame, DiskRows)}
    if on_disk:
        if encoding not in shared:
            shared[encoding] = StreamedTable.of(on_disk, encoding, loaders=settings.loaders)
        streamed: StreamedTable = shared[encoding]
        inputs: _Inputs = {part: streamed.inputs(frame, place) for part, frame in on_disk.items()}
        hashes = {part: streamed.hashes[frame.numbers] for part, frame in on_disk.items()}
    elif rows:
        if encoding not in shared:
            shared[encoding] = _encoded(drawn, encoding, place)
        inputs = _chosen(shared[encoding], rows)
    else:
        inputs = _encoded(frames, encoding, place)
    if not on_disk:
        hashes = {part: row_hashes(frame, encoding.columns) for part, frame in frames.items()}
    parts = {part: _part(frame, inputs[part], target, f"{part} rows", place) for part, frame in frames.items()}
    train = parts["train"]
    if target.multi_label:
        notes += constant_classes(train.targets, target.classes)
    missing = [column.missing for column in encoding.numbers]
    if isinstance(train.numbers, MappedRows):
        columns = encoding.columns_of_numbers(frames["train"], "training rows")
    else:
        columns = iter(as_tensor(train.numbers).cpu().numpy().T)
    scaling = Scaling.fit(settings.numbers, columns, missing)
    of_target = target.columns or (target.name,)
    notes += _noticed({part: row_hashes(frames[part], of_target, hashes[part]) for part in frames}, parts, target)
    empty = TablePart(train.numbers[:0], train.categories[:0], train.targets[:0])
    of_rows = {} if groups is None else _groups(frames, groups, place)
    return TableData(
        table.name,
        train,
        parts.get("validation", empty),
        parts.get("test", empty),
        encoding=encoding,
        scaling=scaling.to(place),
        target=target,
        groups=of_rows,
        notes=notes,
    )


_load, _FOLDS = lru_cache(maxsize=4)(_loaded), FoldCache[dict[Encoding, Any], TableData]()


def _encoded(frames: Mapping[PartName, TableRows], encoding: Encoding, device: torch.device) -> _Held:
    found: _Held = {}
    for part, frame in frames.items():
        numbers, codes = encoding.encode(frame, f"{part} rows")
        found[part] = torch.from_numpy(numbers).to(device), torch.from_numpy(codes).to(device)
    return found


def _chosen(shared: _Held, rows: Mapping[PartName, Tensor]) -> _Held:
    """The inputs of a fold among those outside the test, and those of the test."""
    numbers, codes = (as_tensor(one) for one in shared["train"])
    found: _Held = {"test": shared["test"]}
    for part, places in rows.items():
        there = places.to(numbers.device)
        found[part] = ChosenRows(numbers, there), ChosenRows(codes, there)
    return found


def _part(
    frame: TableRows,
    inputs: tuple[Rows | MappedRows, Rows | MappedRows],
    target: Target,
    place: str,
    device: torch.device,
) -> TablePart:
    return TablePart(*inputs, torch.from_numpy(target.encode(frame, place)).to(device))


def _groups(frames: Mapping[PartName, TableRows], column: str, device: torch.device) -> dict[str, Tensor]:
    """Number the groups over all parts."""
    codes = texts_of(pd.concat([frame[column] for frame in frames.values()], ignore_index=True)).codes
    numbers = torch.from_numpy(codes.astype(np.int64)).to(device)
    found, start = {}, 0
    for part, frame in frames.items():
        found[str(part)] = numbers[start : start + len(frame)]
        start += len(frame)
    return found


def _noticed(hashes: Mapping[PartName, Array], parts: Mapping[PartName, TablePart], target: Target) -> list[str]:
    """Warnings about classes that a part lacks, and rows that are in two parts."""
    notes = []
    for part in parts:
        if part == "train":
            continue
        absent = _absent(parts[part].targets, target)
        if absent:
            more = ", .." if len(absent) > _SHOWN else ""
            notes.append(f"warning: no {part} row is of class {', '.join(absent[:_SHOWN])}{more}")
        copies = int(np.isin(hashes[part], hashes["train"]).sum())
        if copies:
            notes.append(
                f"warning: {copies} of {len(hashes[part])} {part} rows equal a training row, target included; that is "
                "chance where few values exist, else remove the copies: they flatter the score"
            )
    return notes


def _absent(targets: Tensor, target: Target) -> list[str]:
    """The classes that no row of a part has."""
    if target.multi_label:
        often = targets.long().sum(0).tolist()
    else:
        often = targets.bincount(minlength=len(target.classes)).tolist() if target.classes else []
    return [name for name, count in zip(target.classes, often, strict=True) if not count]


def _path(settings: TableSettings) -> Path | None:
    """The file or folder; None for a data frame."""
    if settings.data is None:
        raise DataError("no data are given; give data=<a Parquet or CSV file, a folder of them, or a DataFrame>")
    if not isinstance(settings.data, str | Path):
        return None
    tried = places_of(settings.data, settings.root)
    for path in tried:
        if path.exists():
            return path
    raise DataError(
        f"there is no table {str(settings.data)!r}: {' or '.join(map(str, tried))} does not exist; correct it"
    )


def _stamp(settings: TableSettings) -> tuple[object, ...]:
    """Sizes and times of the files, which reveal a change."""
    path = _path(settings)
    if path is None or is_kept(settings.data):
        return ()
    return tuple((str(file), file.stat().st_size, file.stat().st_mtime_ns) for file in table_files(path))
