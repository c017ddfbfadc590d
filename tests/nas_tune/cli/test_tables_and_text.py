"""Columns that align and never wrap; numbers and strangers' strings as text."""

from __future__ import annotations

import math

import pytest

from nas_tune.cli.tables import TableColumn, fitting, lines, wrapped
from nas_tune.cli.text import (
    brief,
    duration,
    harmless,
    measured,
    plain,
    quantity,
    results_of,
    shortened,
    titled,
    with_spread,
)
from nas_tune.ledger import TrialRecord
from nas_tune.ledger.replay import Report
from nas_tune.objectives.objective import objectives_of


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0, "0"),
        (7, "7"),
        (999, "999"),
        (999.4, "999.4"),
        (999.5, "1 k"),
        (1000, "1 k"),
        (73_578, "73.6 k"),
        (999_499, "999 k"),
        (999_600, "1 M"),
        (11_400_000, "11.4 M"),
        (-11_400_000, "-11.4 M"),
        (3e9, "3 G"),
        (2e12, "2 T"),
        (4.56e15, "4.56 P"),
        (9.994e17, "999 P"),
        (1.5e18, "1.50e+18"),
    ],
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
        (0.0, "0"),
        (-2.0, "-2"),
        (0.001, "0.0010"),
        (0.000999, "9.990e-04"),
        (-0.000999, "-9.990e-04"),
        (99999.5, "99999.5000"),
        (100000.5, "1.000e+05"),
        (100000.0, "100,000"),
        (1e15 - 1, "999,999,999,999,999"),
        (1e15, "1.000e+15"),
        (-1e15, "-1.000e+15"),
    ],
)
def test_metrics_are_brief(value: float | None, said: str) -> None:
    assert brief(value) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0:00:00"),
        (-5, "0:00:00"),
        (31.4, "0:00:31"),
        (59.4, "0:00:59"),
        (59.6, "0:01:00"),
        (3600, "1:00:00"),
        (3661, "1:01:01"),
        (86_399, "23:59:59"),
        (86_400, "1 d 0:00:00"),
        (90_061, "1 d 1:01:01"),
        (None, "-"),
        (math.inf, "-"),
        (math.nan, "-"),
    ],
)
def test_durations(seconds: float | None, said: str) -> None:
    assert duration(seconds) == said


def test_a_strangers_text_cannot_move_the_cursor() -> None:
    said = plain("red \x1b[31m alert\x07\r\nnext\tline")
    assert said.isprintable()
    assert said == r"red \x1b[31m alert\x07\r next line"
    assert shortened("abcdef", 4) == "abc…"
    assert shortened("abcd", 4) == "abcd"
    assert [shortened("abcd", width) for width in (3, 1, 0)] == ["ab…", "…", "…"]


def test_values_have_their_unit_and_their_spread() -> None:
    assert (measured(11.07, "USD"), measured(11.07, ""), measured(None, "s")) == ("11.0700 USD", "11.0700", "- s")
    assert (titled("rmse", "USD"), titled("rmse\x1b", "")) == ("rmse (USD)", r"rmse\x1b")
    assert titled("a", "b\x1b") == r"a (b\x1b)"
    assert with_spread(0.93123, 0.0041) == "0.9312 +- 0.0041"
    assert with_spread(0.93123, 0.0) == "0.9312 +- 0"
    assert with_spread(0.93123, None) == with_spread(0.93123, math.nan) == "0.9312"
    assert with_spread(None, None) == "-"
    assert with_spread(0.93123, None, "s") == "0.9312 s"
    assert with_spread(0.93123, 0.0041, "s") == "0.9312 +- 0.0041 s"


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


def test_a_trial_shows_its_value_in_every_objective() -> None:
    objectives = objectives_of(["accuracy", "parameters"], ["max", "min"])
    units = {"accuracy": "", "parameters": ""}
    trial = TrialRecord(0, 0, None, "", 0, 0.0, value=0.93123)
    assert results_of(trial, objectives, units.__getitem__) == "accuracy 0.9312  parameters -"
    for epoch, parameters in ((1, 99.0), (2, 1234.0)):
        metrics = {"accuracy": 0.5, "accuracy_spread": 0.0041, "parameters": parameters}
        trial.reports.append(Report(epoch, metrics, 1.0, 1.0, ""))
    assert results_of(trial, objectives, units.__getitem__) == "accuracy 0.9312 +- 0.0041  parameters 1,234"
    assert results_of(trial, objectives[:1], units.__getitem__) == "accuracy 0.9312 +- 0.0041"
    units |= {"accuracy": "%"}
    assert results_of(trial, objectives, units.__getitem__) == "accuracy 0.9312 +- 0.0041 %  parameters 1,234"


def test_a_cut_cell_ends_in_an_ellipsis_and_narrow_columns_keep_eight_cells() -> None:
    columns = [TableColumn("n", ["1"], right=True), TableColumn("text", ["a" * 40], elastic=True)]
    assert [line.plain for line in lines(columns, 23)] == ["n  text", f"1  {'a' * 19}…"]
    assert next(iter(lines(columns, 30, header=False))).plain == f"1  {'a' * 26}…"
    assert next(iter(lines(columns, 43, header=False))).plain == f"1  {'a' * 40}"
    assert next(iter(lines(columns, 42, header=False))).plain == f"1  {'a' * 38}…"
    narrow = next(iter(lines(columns, 2, header=False))).plain
    assert narrow == next(iter(lines(columns, 1, header=False))).plain
