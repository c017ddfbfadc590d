"""Columns that align and never wrap; numbers and strangers' strings as text."""

from __future__ import annotations

import math

import pytest

from nas_tune.cli.tables import TableColumn, fitting, lines, wrapped
from nas_tune.cli.text import brief, duration, harmless, plain, quantity, shortened


@pytest.mark.parametrize(
    ("value", "said"),
    [(0, "0"), (7, "7"), (999, "999"), (73_578, "73.6 k"), (999_600, "1 M"), (11_400_000, "11.4 M"), (2e12, "2 T")],
)
def test_quantities_have_three_digits_and_a_unit(value: float, said: str) -> None:
    assert quantity(value) == said


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0.97917, "0.9792"),
        (73578, "73,578"),
        (1.0, "1"),
        (-0.5, "-0.5000"),
        (1.234e-7, "1.234e-07"),
        (123456.5, "1.235e+05"),
        (math.nan, "-"),
        (None, "-"),
        (math.inf, "inf"),
        (-math.inf, "-inf"),
    ],
)
def test_metrics_are_brief(value: float | None, said: str) -> None:
    assert brief(value) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0:00:00"), (31.4, "0:00:31"), (3661, "1:01:01"), (90_061, "1 d 1:01:01"), (None, "-"), (math.inf, "-")],
)
def test_durations(seconds: float | None, said: str) -> None:
    assert duration(seconds) == said


def test_a_strangers_text_cannot_move_the_cursor() -> None:
    said = plain("red \x1b[31m alert\x07\r\nnext\tline")
    assert said.isprintable()
    assert said == r"red \x1b[31m alert\x07\r next line"
    assert shortened("abcdef", 4) == "abc…"
    assert shortened("abcd", 4) == "abcd"


def test_lines_stay_lines_where_control_characters_are_written_out() -> None:
    assert harmless("2 problems\n  a: \x1b[31m\r\n  b") == "2 problems\n  a: \\x1b[31m\\r\n  b"


def test_numbers_align_to_the_right_and_no_line_ends_in_spaces() -> None:
    columns = [
        TableColumn("name", ["a", "bcd"]),
        TableColumn("n", ["1", "1,000"], right=True),
        TableColumn("end", ["x", ""]),
    ]
    assert [line.plain for line in lines(columns)] == ["name      n  end", "a         1  x", "bcd   1,000"]


def test_only_elastic_columns_are_cut_to_the_width() -> None:
    columns = [TableColumn("n", ["12345678"], right=True), TableColumn("text", ["a" * 60], elastic=True)]
    for width in (30, 40, 69, 70, 200):
        for line in lines(columns, width):
            assert line.cell_len <= width
    assert [line.plain for line in lines(columns)][1].endswith("a" * 60)


def test_wide_characters_take_two_cells() -> None:
    columns = [TableColumn("a", ["日本", "x"]), TableColumn("b", ["1", "2"])]
    assert {line.plain.index(mark) for line, mark in zip(list(lines(columns))[2:], "2", strict=True)} == {6}


def test_columns_that_do_not_fit_are_left_out_from_the_right() -> None:
    columns = [TableColumn(name, ["x" * 20]) for name in "abcd"]
    assert [column.header for column in fitting(columns, 66)] == ["a", "b", "c"]
    assert fitting(columns, None) == columns
    assert fitting(columns, 5) == columns[:1]


CELL = "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|nor_conv_3x3~0|nor_conv_3x3~1|nor_conv_3x3~2|"


def test_a_long_architecture_is_broken_between_its_nodes() -> None:
    assert wrapped(CELL, None, 3) == CELL
    assert wrapped(CELL, 100, 3) == CELL
    first, second = wrapped(CELL, 80, 3).split("\n")
    assert first.endswith("+")
    assert second == "   |nor_conv_3x3~0|nor_conv_3x3~1|nor_conv_3x3~2|"


@pytest.mark.parametrize("width", [20, 33, 60, 79])
def test_folding_loses_nothing_and_keeps_the_width(width: int) -> None:
    text = CELL + '{"layers":[{"op":"conv_3x3","channels":16},{"op":"zero"}]}' + "x" * 90
    parts = wrapped(text, width, 3).split("\n   ")
    assert "".join(parts) == text
    assert all(len(part) <= width - 3 for part in parts)


def test_a_column_that_fills_the_width_stays_and_one_cell_less_drops_it() -> None:
    columns = [TableColumn("ab", ["1"]), TableColumn("cde", ["2"]), TableColumn("f", ["3"])]
    kept = {width: "".join(column.header for column in fitting(columns, width)) for width in (1, 6, 7, 9, 10, None)}
    assert kept == {1: "ab", 6: "abf", 7: "abcde", 9: "abcde", 10: "abcdef", None: "abcdef"}


def test_a_text_that_fills_the_line_is_not_broken() -> None:
    text = "x" * 30
    assert wrapped(text, 33, 3) == text
    assert wrapped(text, 32, 3) == f"{'x' * 29}\n   x"
