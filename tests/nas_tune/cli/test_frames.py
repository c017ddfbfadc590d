"""Frames as text: for programs every value as it is, for people the same decimals in every row."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pandas as pd
import pytest

from nas_tune.cli.formats import FrameFormat
from nas_tune.cli.frames import export_frame, macs_column, text_columns
from nas_tune.errors import ConfigError

NAN = math.nan


def cells(*values: object, dtype: str | None = None) -> list[str]:
    (column,) = text_columns(pd.DataFrame({"a": pd.Series(values, dtype=dtype)}))  # type: ignore[arg-type, call-overload]
    return [*column.cells]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ((1.0, 2.0), ["1", "2"]),
        ((1.0, 0.5, NAN), ["1.0000", "0.5000", "-"]),
        ((0.0, 0.5), ["0.0000", "0.5000"]),
        ((0.001, 99999.5), ["0.0010", "99999.5000"]),
        ((0.0009, 0.5), ["9.000e-04", "0.5000"]),
        ((100000.5, 2.0), ["1.000e+05", "2"]),
        ((-0.5, math.inf), ["-0.5000", "inf"]),
        ((-0.0009, 0.5), ["-9.000e-04", "0.5000"]),
        ((NAN, NAN), ["-", "-"]),
    ],
)
def test_numbers_of_a_column_have_the_same_decimals(values: tuple[float, ...], said: list[str]) -> None:
    assert cells(*values) == said


def test_other_kinds_of_values_are_written_out() -> None:
    assert cells(1234567, 1, dtype="int64") == ["1,234,567", "1"]
    assert cells(True, False) == ["True", "False"]
    assert cells("a\nb", None, "c\x1b", dtype="string") == ["a b", "-", r"c\x1b"]
    assert cells(1, None, dtype="Int64") == ["1", "-"]
    times = pd.to_datetime(["2026-01-02T03:04:05Z", None])
    assert cells(*times) == ["2026-01-02 03:04:05", "-"]


@pytest.mark.parametrize("dtype", ["str", "string", "object", "category"])
def test_a_text_that_is_missing_is_a_dash(dtype: str) -> None:
    if dtype == "str" and pd.__version__.startswith("2."):
        pytest.skip("before pandas 3, `str` is no dtype of its own and makes the text 'None' of what is missing")
    assert cells("nb201", None, "nan", dtype=dtype) == ["nb201", "-", "nan"]


def test_other_kinds_of_missing_values_are_dashes_too() -> None:
    assert cells([1], NAN, {"a": 1}, dtype="object") == ["[1]", "-", "{'a': 1}"]
    assert cells(True, None, dtype="boolean") == ["True", "-"]
    assert cells(pd.Timestamp("2026-01-02 03:04:05"), pd.NaT) == ["2026-01-02 03:04:05", "-"]
    assert cells(pd.Timedelta(seconds=1), pd.NaT) == ["0 days 00:00:01", "-"]


def test_texts_may_be_cut_and_numbers_stand_to_the_right() -> None:
    frame = pd.DataFrame({"n": [1], "text": ["x"], "when": pd.to_datetime(["2026-01-02T03:04:05Z"]), "is": [True]})
    columns = {column.header: (column.right, column.elastic) for column in text_columns(frame)}
    assert columns == {"n": (True, False), "text": (False, True), "when": (False, False), "is": (False, True)}
    twice = pd.DataFrame([[1, 2]], columns=["a", "a"])
    assert [column.cells for column in text_columns(twice)] == [["1"], ["2"]]


def test_macs_have_a_unit() -> None:
    column = macs_column(pd.Series([1_234_567.0, NAN, 12.0]))
    assert (column.header, column.cells, column.right) == ("MACs", ["1.23 M", "-", "12"], True)


FRAME = pd.DataFrame(
    {
        "n": [1, 2],
        "x": [0.5, math.inf],
        "text": ["=1+1", None],
        "when": pd.to_datetime(["2026-01-02T03:04:05Z", None]),
        "many": [[1, NAN], {"a": -math.inf, 3: (True, "b")}],
        "=name": ["-x", "é,\n"],
    }
)


def written(kind: FrameFormat, folder: Path, frame: pd.DataFrame = FRAME) -> str:
    file = folder / "out"
    export_frame(frame, kind, file, text_columns(frame))
    return file.read_text(encoding="utf-8")


def test_json_has_an_object_a_line_and_null_where_nothing_finite_is(tmp_path: Path) -> None:
    text = written(FrameFormat.JSON, tmp_path)
    assert text.count("\n") == 4
    first, second = json.loads(text)
    assert first == {
        "n": 1,
        "x": 0.5,
        "text": "=1+1",
        "when": "2026-01-02T03:04:05+00:00",
        "many": [1, None],
        "=name": "-x",
    }
    many = {"a": None, "3": [True, "b"]}
    assert second == {"n": 2, "x": None, "text": None, "when": None, "many": many, "=name": "é,\n"}
    assert "é" in text
    assert written(FrameFormat.JSON, tmp_path, FRAME.head(0)) == "[]\n"


def test_csv_begins_no_cell_with_a_formula_and_leaves_numbers_alone(tmp_path: Path) -> None:
    frame = pd.DataFrame({"n": [-1, 2], "text": ["=1+1", None], "=name": ["-x", "b"]})
    assert written(FrameFormat.CSV, tmp_path, frame) == "n,text,'=name\n-1,'=1+1,'-x\n2,,b\n"
    assert list(frame.columns) == ["n", "text", "=name"], "the frame stays as it is"


def test_a_table_has_every_column_in_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert written(FrameFormat.TABLE, tmp_path, FRAME[["n", "x"]]) == "n       x\n1  0.5000\n2     inf\n"
    assert "2 rows written to" in capsys.readouterr().err


def test_stdout_has_what_a_file_would_have_and_only_the_columns_that_fit(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = FRAME[["n", "x"]]
    export_frame(frame, FrameFormat.JSON, None, ())
    assert capsys.readouterr() == ('[\n{"n": 1, "x": 0.5},\n{"n": 2, "x": null}\n]\n', "")
    export_frame(frame, FrameFormat.TABLE, None, text_columns(frame))
    assert capsys.readouterr() == ("n       x\n1  0.5000\n2     inf\n", "")
    monkeypatch.setattr("nas_tune.cli.frames.width_of", lambda console: 8)
    export_frame(frame, FrameFormat.TABLE, None, text_columns(frame))
    assert capsys.readouterr() == ("n\n1\n2\n", "too narrow for: x (--format csv writes every column)\n")
    export_frame(frame, FrameFormat.TABLE, None, ())
    assert capsys.readouterr().out == ""


def test_parquet_needs_a_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="binary file: say which with --out FILE"):
        export_frame(FRAME, FrameFormat.PARQUET, None, ())
    export_frame(FRAME[["n", "x"]], FrameFormat.PARQUET, tmp_path / "t.parquet", ())
    assert pd.read_parquet(tmp_path / "t.parquet")["n"].tolist() == [1, 2]
