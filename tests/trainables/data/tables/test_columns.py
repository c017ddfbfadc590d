"""Columns are typed by their values, or as the user says; what is not a feature is dropped or warned of."""

from __future__ import annotations

import datetime

import numpy as np
import pandas as pd
import pytest

from tests.trainables.data.tables.frames import loaded, small
from trainables.data.tables.columns import kinds_of, numbers_of, texts_of
from trainables.errors import DataError, TrainableError

ROWS = 40


def kinds(frame, numeric=(), categorical=()):
    notes = []
    return {column.name: column.kind for column in kinds_of(frame, numeric, categorical, notes)}, notes


def test_types_and_values_decide():
    places = np.arange(ROWS)
    frame = pd.DataFrame(
        {
            "float": places * 0.5,
            "many": places % 11,
            "few": places % 4,
            "few_with_gaps": np.where(places == 3, np.nan, places % 2),
            "bool": places % 2 == 0,
            "text": [f"t{place % 5}" for place in places],
            "date": pd.date_range("2020-01-01", periods=ROWS),
            "day": [datetime.date(2020, 1, 1 + place % 9) for place in places],
            "kind": pd.Categorical(places % 7),
        }
    )
    found, notes = kinds(frame)
    assert found == {
        "float": "number",
        "many": "number",
        "few": "category",
        "few_with_gaps": "category",
        "bool": "category",
        "text": "category",
        "date": "number",
        "day": "number",
        "kind": "category",
    }
    assert notes == []
    assert kinds(frame[["few", "many"]], numeric=["few"], categorical=["many"])[0] == {
        "few": "number",
        "many": "category",
    }
    # Of few rows a whole number has few values anyway: it stays a number.
    assert kinds(frame[["few"]].iloc[:20])[0] == {"few": "number"}


def test_dates_are_days_and_equal_numbers_are_one_category():
    moments = pd.Series(pd.to_datetime(["1970-01-02 00:00", None, "1970-01-01 12:00"]))
    assert numbers_of(moments, "rows").tolist()[::2] == [1, 0.5]
    assert numbers_of(pd.Series([datetime.date(1970, 1, 3), None]), "rows").tolist()[0] == 2
    assert numbers_of(pd.Series([True, False]), "rows").tolist() == [1, 0]
    texts = texts_of(pd.Series([3, 3.0, "3", True, None], dtype=object))
    assert (texts.values, texts.codes.tolist()) == (["3", "true"], [0, 0, 0, 1, -1])


def test_one_value_is_dropped_and_identifiers_are_warned_of():
    frame = small(empty=np.nan, one="x", key=np.arange(40) * 7, name=[f"n{place}" for place in range(40)])
    found, notes = kinds(frame.drop(columns="good"))
    assert {"empty", "one"}.isdisjoint(found)
    assert {"key": found["key"], "name": found["name"]} == {"key": "number", "name": "category"}
    assert notes[0] == "column 'empty' is left out, because all training rows have no value"
    assert notes[1] == "column 'one' is left out, because all training rows have 'x'"
    assert [note.split(" has another value")[0] for note in notes[2:]] == [
        "warning: column 'key'",
        "warning: column 'name'",
    ]
    with pytest.raises(DataError, match="no column is left"):
        kinds(frame[["one"]])


def test_texts_that_are_numbers_are_warned_of_and_can_be_read_so():
    ages = [str(20 + place % 15) for place in range(39)] + ["?"]
    _, notes = kinds(pd.DataFrame({"age": ages}))
    said = "though most of its texts are numbers; give numeric=['age'] and missing=['?']"
    assert notes == [f"warning: column 'age' is a category, {said}"]
    data = loaded(small(age=ages), numeric=["age"], missing=["?"])
    assert "age" in [column.name for column in data.encoding.numbers]
    with pytest.raises(
        DataError, match=r"column 'age', row \d+: '\?' is not a number; correct it, give missing=\['\?'\]"
    ):
        loaded(small(age=["?", *ages[:39]], split=["train", "test"] * 20), numeric=["age"])


@pytest.mark.parametrize(
    ("column", "said"),
    [
        ([[1]] * 40, r"column 'x', row 0: \[1\] is a list; a cell is a number"),
        ([b"a", b"b"] * 20, "is a bytes"),
        ([*range(39), np.inf], "inf is not a finite number; correct it, or leave the cell empty"),
    ],
)
def test_cells_that_are_no_value_are_refused(column, said):
    with pytest.raises(DataError, match=said):
        loaded(small(x=column), test_share=0.01, validation_share=0.01)


@pytest.mark.parametrize(
    ("settings", "error", "said"),
    [
        ({"drop": ["sise"]}, DataError, "drop is 'sise'.*did you mean 'size'"),
        ({"numeric": ["good"]}, DataError, "numeric names 'good', which is the target"),
        ({"numeric": ["size"], "categorical": ["size"]}, TrainableError, "in numeric and in categorical"),
        ({"numeric": "size"}, TrainableError, "numeric is 'size'; it must be a list"),
        ({"numbers": "quantiles"}, TrainableError, "did you mean 'quantile'"),
        ({"kind": "classify"}, TrainableError, "kind is 'classify'"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings, error, said):
    with pytest.raises(error, match=said):
        loaded(small(), **settings)
