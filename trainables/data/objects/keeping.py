"""From an object to a file that is named by its content."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from trainables.data.objects.arrays import Array, input_array, plain_array, target_columns, targets_of
from trainables.data.objects.examples import Examples, frame_of, is_dataset, is_hugging_face, pair_of
from trainables.data.objects.size import check_size, is_streamed
from trainables.data.objects.writing import SHORT, input_of, write_examples
from trainables.data.parts import PARTS, PartName, part_of, usual_names
from trainables.data.tables.reading import columns_of_array
from trainables.drafts import draft_file
from trainables.errors import DataError, first_line
from trainables.kept_data import DATA_FOLDER, new_file

__all__ = ["Kept", "keep"]

_OF_IMAGES = ("classification", "regression")
_PARTS_COLUMN = "split"


@dataclass(frozen=True)
class Kept:
    """An object that was written into a file.

    Attributes:
        data: the name of the file, which is the setting `data` of the task.
        settings: further settings of the task that the object decides, such as the target of an array.
    """

    data: str
    settings: Mapping[str, Any] = field(default_factory=dict)


def keep(
    data: Any,
    *,
    task: str = "auto",
    target: str | Sequence[str] | None = None,
    resize: int | None = None,
    stream: bool | None = None,
) -> Kept:
    """Write an object into a file of this process. Equal objects have one name.

    Args:
        data: a pair (x, y) of arrays, tensors or lists of them; a mapping of arrays by the names that `.npz` files
            have; a data frame; a map-style data set of examples (x, y); one of Hugging Face; a mapping of such objects
            by the names of the parts; or an array of token ids.
        task: the name of the task, or "auto".
        target: the column that is predicted, or a list of several.
        resize: the side in pixels to which images are scaled and cut.
        stream: whether the examples of a data set are written one by one, so that memory never holds all of them; None
            does so where they would take more than a quarter of the free memory.

    Returns:
        The name of the file, with further settings.

    Raises:
        DataError: the object is none of these, its values cannot be stored, or it is too large.
    """
    if isinstance(data, np.ndarray) or (hasattr(data, "shape") and not hasattr(data, "columns")):
        return _of_ids(data) if task != "signal" else _of_array(plain_array(data, "data"))
    parts = _parts_of(data)
    if isinstance(data, Mapping) and not parts:
        return _of_arrays({str(name): plain_array(values, f"data[{name!r}]") for name, values in data.items()})
    if all(isinstance(part, pd.DataFrame) or is_hugging_face(part) for part in parts.values()):
        frames = {name: part if isinstance(part, pd.DataFrame) else frame_of(part) for name, part in parts.items()}
        if all(frame is not None for frame in frames.values()):
            return _of_frame(_one_frame({name: pd.DataFrame(frame) for name, frame in frames.items()}))
    one = target if isinstance(target, str) else None
    examples: dict[PartName, Examples] = {}
    for name, part in parts.items():
        if is_hugging_face(part) or is_dataset(part):
            examples[name] = Examples(part, one, name if len(parts) > 1 else "data")
    if len(examples) == len(parts) and _are_streamed(examples, stream, task, resize):
        return Kept(write_examples(examples, resize), {"target": "y"} if target not in (None, "y") else {})
    pairs = {
        name: pair_of(examples[name]) if name in examples else _pair(part, name if len(parts) > 1 else "data")
        for name, part in parts.items()
    }
    first, given = pairs["train"][0], {name: y for name, (_, y) in pairs.items()}
    if isinstance(first, pd.DataFrame):
        return _of_rows({name: pd.DataFrame(x) for name, (x, _) in pairs.items()}, given, target)
    inputs = {name: input_array(x, f"the inputs of {name}", resize) for name, (x, _) in pairs.items()}
    if task == "table" or (task == "auto" and inputs["train"].ndim <= 2):
        return _of_rows(
            {name: columns_of_array(array, "data: the inputs") for name, array in inputs.items()}, given, target
        )
    targets = {name: targets_of(y, f"the targets of {name}") for name, y in given.items()}
    _check_lengths(inputs, targets)
    if task in _OF_IMAGES and inputs["train"].ndim <= 2:
        raise DataError(
            f"data: the inputs have the shape {inputs['train'].shape}, which are rows of a table, and {task} takes "
            "images (n, h, w), (n, h, w, c) or (n, c, h, w); give task='table', or images"
        )
    arrays: dict[str, Array] = {}
    for name in PARTS:
        if name in inputs:
            arrays[f"x{SHORT[name]}"], arrays[f"y{SHORT[name]}"] = inputs[name], targets[name]
    return _of_arrays(arrays, {"target": "y"} if target not in (None, "y") else {})


def _parts_of(data: Any) -> dict[PartName, Any]:
    """The objects of the parts; all of an object that has none is for training, and a mapping of arrays is of none."""
    if not isinstance(data, Mapping):
        return {"train": data}
    named = {name: part_of(str(name)) for name in data}
    if not any(named.values()):
        return {}
    parts: dict[PartName, Any] = {}
    for name, part in named.items():
        if part is None or part in parts:
            raise DataError(
                f"data: {name!r} is not the name of a part, or that part is given already; name the parts "
                f"{usual_names()}"
            )
        parts[part] = data[name]
    if "train" not in parts:
        raise DataError(f"data: the parts are {', '.join(map(str, data))}, and none is for training; give one as train")
    return parts


def _pair(data: Any, place: str) -> tuple[Any, Any]:
    if isinstance(data, list | tuple) and len(data) == 2:
        return data[0], data[1]
    if isinstance(data, list | tuple):
        said = f"a {type(data).__name__} of {len(data)}"
    else:
        said = f"a {type(data).__name__}"
    raise DataError(
        f"{place} is {said}; give a path, a pair (x, y) of arrays or tensors, a DataFrame with target=<column>, or a "
        "data set with a length whose examples are pairs (x, y)"
    )


def _are_streamed(parts: Mapping[PartName, Examples], stream: bool | None, task: str, resize: int | None) -> bool:
    """Whether examples are written one by one: never those of a table, whose inputs are rows of numbers."""
    if task not in (*_OF_IMAGES, "auto", "signal") or stream is False:
        return False
    first = input_of(parts["train"].first()[0], parts["train"].place, resize)
    if first.ndim < 2 and task != "signal":
        return False
    return is_streamed(sum(first.nbytes * len(part) for part in parts.values()), stream)


def _check_lengths(inputs: Mapping[PartName, Any], targets: Mapping[PartName, Any]) -> None:
    for name, array in inputs.items():
        if len(array) != len(targets[name]):
            raise DataError(
                f"data: {len(array)} inputs of {name} have {len(targets[name])} targets; each input needs one"
            )


def _of_rows(
    frames: Mapping[PartName, pd.DataFrame], given: Mapping[PartName, Any], target: str | Sequence[str] | None
) -> Kept:
    """A table of inputs beside their targets."""
    targets = {part: target_columns(y, f"the targets of {part}", target) for part, y in given.items()}
    _check_lengths(frames, targets)
    names = [str(name) for name in targets["train"]]
    whole: dict[PartName, pd.DataFrame] = {}
    for part, frame in frames.items():
        for name in names:
            if name in frame.columns:
                raise DataError(
                    f"data: x has a column {name!r}, the name of the target; rename it, or give target=<name>"
                )
        whole[part] = frame.assign(**{name: targets[part][name].to_numpy() for name in names})
    return _of_frame(_one_frame(whole), {"target": names[0] if len(names) == 1 else names})


def _one_frame(frames: Mapping[PartName, pd.DataFrame]) -> pd.DataFrame:
    """The rows of all parts, with a column that names the part where there are several."""
    if len(frames) == 1:
        return next(iter(frames.values()))
    first = frames["train"]
    for part, frame in frames.items():
        odd = sorted({*map(str, frame.columns)} ^ {*map(str, first.columns)})
        if odd:
            raise DataError(
                f"data: the column {odd[0]!r} is not in both of train and {part}; give all the same columns"
            )
    if _PARTS_COLUMN in first.columns:
        raise DataError(f"data: the column {_PARTS_COLUMN!r} has the name of the column of parts; rename it")
    return pd.concat([frame.assign(**{_PARTS_COLUMN: part}) for part, frame in frames.items()], ignore_index=True)


def _of_frame(frame: pd.DataFrame, settings: Mapping[str, Any] | None = None) -> Kept:
    import pyarrow
    from pyarrow import parquet

    frame = frame.rename(columns=str)
    twice = frame.columns[frame.columns.duplicated()]
    if len(twice):
        raise DataError(f"data: the column {twice[0]!r} is there twice; rename or drop one of them")
    if not len(frame):
        raise DataError("data: the data frame has no row; give rows")
    check_size(int(frame.memory_usage(deep=True).sum()), "a Parquet or CSV file")
    digest = hashlib.sha256()
    for column in frame.columns:
        try:
            table = pyarrow.Table.from_pandas(frame[[column]], preserve_index=False)
            hashes = pd.util.hash_pandas_object(_hashable(frame[column]), index=False).to_numpy()
        except (pyarrow.ArrowException, TypeError, ValueError) as error:
            raise DataError(
                f"data: the column {column!r} cannot be stored ({first_line(error)}); convert it to numbers or texts, "
                "or drop it"
            ) from error
        digest.update(repr((column, str(table.schema.field(0).type))).encode())
        digest.update(np.ascontiguousarray(hashes, dtype="<u8").tobytes())
    name = f"{DATA_FOLDER}/{digest.hexdigest()[:16]}.parquet"
    with draft_file(new_file(name)) as draft:
        parquet.write_table(pyarrow.Table.from_pandas(frame, preserve_index=False), draft)
    return Kept(name, settings or {})


def _hashable(column: pd.Series[Any]) -> pd.Series[Any]:
    """A column whose cells are lists as a column of texts; others as they are."""
    lists = (list, tuple, np.ndarray)
    if not any(isinstance(cell, lists) for cell in column):
        return column
    return column.map(lambda cell: repr(list(cell)) if isinstance(cell, lists) else cell)


def _of_arrays(arrays: Mapping[str, Array], settings: Mapping[str, Any] | None = None) -> Kept:
    name = f"{DATA_FOLDER}/{_checksum(arrays)}.npz"
    with draft_file(new_file(name)) as draft, draft.open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)
    return Kept(name, settings or {})


def _of_ids(data: Any) -> Kept:
    ids = plain_array(data, "data")
    if ids.ndim != 1 or ids.dtype.kind not in "iu":
        raise DataError(
            f"data is one array of {ids.dtype} of shape {ids.shape}, which are inputs without targets; give a pair "
            "(x, y), or for a language the numbers of its tokens, (n,)"
        )
    return _of_array(ids)


def _of_array(array: Array) -> Kept:
    name = f"{DATA_FOLDER}/{_checksum({'ids': array})}.npy"
    with draft_file(new_file(name)) as draft, draft.open("wb") as file:
        np.save(file, array, allow_pickle=False)
    return Kept(name)


def _checksum(arrays: Mapping[str, Array]) -> str:
    check_size(sum(array.nbytes for array in arrays.values()), "an .npz file (numpy.savez)")
    digest = hashlib.sha256()
    for name, array in sorted(arrays.items()):
        digest.update(repr((name, array.dtype.str, array.shape)).encode())
        digest.update(array.data if array.dtype.kind != "U" else array.tobytes())
    return digest.hexdigest()[:16]
