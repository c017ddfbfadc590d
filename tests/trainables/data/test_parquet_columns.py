"""Which columns of Parquet files hold images, labels and the names of parts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from trainables.data.parquet_columns import Columns, columns_of, holds_bytes, is_of_splits, opened, split_cells
from trainables.errors import DataError

BYTES = [b"1", b"2", b"3"]


def written(folder: Path, columns: dict[str, Any], name: str = "a.parquet", rows: int | None = None) -> Path:
    parquet.write_table(pa.table(columns), folder / name, row_group_size=rows)
    return folder / name


def found(
    folder: Path, columns: dict[str, Any], *, image: Any = None, label: Any = None, kind: Any = "classes"
) -> Columns:
    return columns_of([written(folder, columns)], image, label, kind=kind)


def refusal(folder: Path, columns: dict[str, Any], **given: Any) -> str:
    with pytest.raises(DataError) as caught:
        found(folder, columns, **given)
    return str(caught.value)


def test_the_only_column_of_a_type_is_it_whatever_its_name(tmp_path: Path) -> None:
    assert found(tmp_path, {"odd": BYTES, "what": [0, 1, 2]}) == Columns("odd", "what", None)
    assert found(tmp_path, {"odd": [{"bytes": one, "path": ""} for one in BYTES], "what": [0, 1, 2]}).image == "odd"


def test_of_several_one_with_a_usual_name_is_taken_in_the_order_of_these_names(tmp_path: Path) -> None:
    columns = {"png": BYTES, "image": BYTES, "thumb": BYTES, "target": [0, 1, 2], "label": [2, 1, 0], "age": [5, 6, 7]}
    assert found(tmp_path, columns) == Columns("image", "label", None)
    assert found(tmp_path, columns, image="thumb", label="age") == Columns("thumb", "age", None)


def test_a_column_of_parts_is_none_of_labels(tmp_path: Path) -> None:
    columns = {"image": BYTES, "what": ["a", "b", "c"], "part": ["train", "test", "valid"]}
    assert found(tmp_path, columns) == Columns("image", "what", "part")
    assert found(tmp_path, columns).names == ["image", "what", "part"]
    assert Columns("image", "what", None, ("red",)).names == ["image", "what", "red"]
    columns["split"] = columns["part"]
    assert "the columns part, split all name splits; keep one of them" in refusal(tmp_path, columns)
    assert found(tmp_path, columns, label="part").split == "split"


@pytest.mark.parametrize(
    ("columns", "given", "said"),
    [
        ({"image": BYTES}, {}, "none of the columns image is clearly the one; give label_column=<column>"),
        ({"label": [0, 1, 2]}, {}, "none of the columns label is clearly the one; give image_column=<column>"),
        ({"a": BYTES, "b": BYTES, "label": [0, 1, 2]}, {}, "give image_column=<column>"),
        ({"a": BYTES, "y": [0, 1, 2]}, {"label": "z"}, "has no column 'z'; its columns are a, y"),
        (
            {"a": BYTES, "y": [0, 1, 2]},
            {"image": "y"},
            "image_column is 'y', which holds int64; encoded images as bytes",
        ),
        (
            {"a": BYTES, "y": [0.5, 1, 2]},
            {"label": "y"},
            "which holds double; integers from 0, or class names are needed",
        ),
        (
            {"a": BYTES, "y": ["a", "b", "c"]},
            {"label": "y", "kind": "numbers"},
            "which holds string; numbers are needed",
        ),
        ({"a": BYTES, "y": [0, 1, 2]}, {"label": "y", "kind": "lists"}, "lists of the names of classes"),
        ({"a": BYTES, "y": ["a", "b", "c"]}, {"label": "y", "kind": "flags"}, "which holds string; 0 and 1 are needed"),
    ],
)
def test_columns_that_do_not_fit_are_refused(columns: Any, given: Any, said: str, tmp_path: Path) -> None:
    assert said in refusal(tmp_path, columns, **given)


@pytest.mark.parametrize(
    ("values", "kinds"),
    [
        ([0, 1, 2], {"classes", "numbers", "flags"}),
        ([0.5, 1, 2], {"numbers", "flags"}),
        ([True, False, True], {"flags"}),
        (["a", "b", "c"], {"classes"}),
        (pa.array(["a", "b", "a"], pa.large_string()), {"classes"}),
        (pa.array(["a", "b", "a"]).dictionary_encode(), {"classes"}),
        (pa.array([1, 2, 3], pa.decimal128(5, 2)), {"numbers"}),
        ([["a"], [], ["b"]], {"lists"}),
        ([[0, 1], [1, 1], [0, 0]], {"lists"}),
        ([[0.0, 1.0]] * 3, {"lists"}),
        (pa.array([[True, False]] * 3, pa.list_(pa.bool_(), 2)), {"lists"}),
        ([[b"a"]] * 3, set()),
    ],
)
def test_each_kind_of_labels_has_its_types(values: Any, kinds: set[str], tmp_path: Path) -> None:
    for kind in ("classes", "numbers", "lists", "flags"):
        if kind in kinds:
            assert found(tmp_path, {"image": BYTES, "it": values}, kind=kind).label == "it"
        else:
            assert "which holds" in refusal(tmp_path, {"image": BYTES, "it": values}, label="it", kind=kind)


def test_bytes_are_binary_or_a_struct_that_has_them() -> None:
    assert holds_bytes(pa.binary())
    assert holds_bytes(pa.large_binary())
    assert holds_bytes(pa.struct([("path", pa.string()), ("bytes", pa.binary())]))
    for kind in (pa.string(), pa.struct([("bytes", pa.string())]), pa.struct([("data", pa.binary())]), pa.int64()):
        assert not holds_bytes(kind)


def test_a_column_of_parts_names_nothing_else_in_any_file(tmp_path: Path) -> None:
    first = written(tmp_path, {"a": ["train", "test"], "n": [1, 2]}, "1.parquet")
    second = written(tmp_path, {"a": ["valid", "other"], "n": [1, 2]}, "2.parquet")
    third = written(tmp_path, {"n": [1, 2]}, "3.parquet")
    empty = written(tmp_path, {"a": pa.array([], pa.string())}, "4.parquet")
    assert is_of_splits([first], "a")
    for files in ([first, second], [first, third], [first, empty]):
        assert not is_of_splits(files, "a")
    assert not is_of_splits([first], "n")
    assert not is_of_splits([written(tmp_path, {"a": ["train", None]}, "5.parquet")], "a")
    assert is_of_splits([second], "Split"), "a usual name is enough"


def test_spellings_of_parts_are_few(tmp_path: Path) -> None:
    def names(count: int) -> list[str]:
        spelt = [
            "".join(c.upper() if number >> place & 1 else c for place, c in enumerate("train")) for number in range(32)
        ]
        return spelt[:count]

    assert is_of_splits([written(tmp_path, {"a": names(30)})], "a")
    assert not is_of_splits([written(tmp_path, {"a": names(31)})], "a")
    assert is_of_splits([written(tmp_path, {"a": names(30)}, rows=7)], "a")


def test_the_cells_of_parts_are_read_row_by_row(tmp_path: Path) -> None:
    with opened(written(tmp_path, {"a": ["train", "test"], "n": [1, 2]})) as file:
        assert split_cells(file, "a") == ["train", "test"]
        assert split_cells(file, None) is None
    (tmp_path / "bad.parquet").write_bytes(b"PAR1")
    with pytest.raises(DataError, match="is not a complete Parquet file"):
        opened(tmp_path / "bad.parquet")
