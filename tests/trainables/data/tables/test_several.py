"""Tables whose rows have several targets: 0 or 1 for each class, lists of classes, or several numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from tests.trainables.data.tables.frames import loaded, small
from trainables.data.objects import keep
from trainables.data.tables import TableSettings, described_table, kind_of_table, table_checksum
from trainables.data.tables.target import Target
from trainables.errors import DataError, TrainableError

PLACES = np.arange(40)
FIRST, SECOND = PLACES % 2, PLACES // 2 % 2
LISTS = [[name for name, one in (("first", a), ("second", b)) if one] for a, b in zip(FIRST, SECOND, strict=True)]
COLUMNS = {"first": FIRST, "second": SECOND}


def settings(frame: pd.DataFrame, **given: Any) -> TableSettings:
    return TableSettings(data=frame, **given)


def test_columns_of_zero_and_one_are_classes_that_a_row_may_have_together() -> None:
    frame = small(**COLUMNS)
    data = loaded(frame, target=["first", "second"])
    assert (data.classes, data.multi_label, data.arguments()["num_classes"]) == (("first", "second"), True, 2)
    assert data.train.targets.dtype == torch.uint8
    assert data.train.targets.shape == (26, 2)
    assert {"first", "second"}.isdisjoint(data.encoding.columns)
    assert kind_of_table(settings(frame, target=["first", "second"])) == ("labels", 2)
    said = described_table(settings(frame, target=("first", "second")))[1]
    assert said == "target first, second: classification, any of 2 classes a row: first, second"
    for part in (data.validation, data.test):  # each class keeps its share
        assert part.targets.float().mean(0).tolist() == pytest.approx([0.5, 0.5], abs=0.2)


def test_truth_values_are_zero_and_one() -> None:
    data = loaded(small(first=FIRST == 1, second=SECOND * 1.0), target=["first", "second"])
    assert data.classes == ("first", "second")


@pytest.mark.slow
def test_a_column_of_lists_names_the_classes_of_each_row() -> None:
    by_lists, by_columns = loaded(small(tags=LISTS), target="tags"), loaded(small(**COLUMNS), target=[*COLUMNS])
    assert by_lists.classes == ("first", "second")
    assert by_lists.multi_label
    assert torch.equal(by_lists.train.targets, by_columns.train.targets)
    vectors = loaded(small(tags=[[int(a), int(b)] for a, b in zip(FIRST, SECOND, strict=True)]), target="tags")
    assert vectors.classes == ("0", "1")
    assert torch.equal(vectors.train.targets, by_columns.train.targets)
    one, other = (table_checksum(settings(small(tags=lists), target="tags")) for lists in (LISTS, LISTS[::-1]))
    assert one != other


def test_lists_in_a_parquet_file_are_read(tmp_path: Any) -> None:
    small(tags=LISTS).to_parquet(tmp_path / "t.parquet")
    data = loaded(str(tmp_path / "t.parquet"), target="tags")
    assert data.classes == ("first", "second")


def test_several_numbers_are_standardized_each() -> None:
    frame = small(low=PLACES * 1.0 + 1, high=PLACES**2 * 100.0 + 1)
    data = loaded(frame, target=["low", "high"])
    assert (data.classes, data.multi_label, data.arguments()["num_classes"]) == ((), False, 2)
    wanted = data.target.standardized(data.train.targets)
    assert wanted.mean(0).tolist() == pytest.approx([0, 0], abs=1e-5)
    assert wanted.std(0, correction=0).tolist() == pytest.approx([1, 1], abs=1e-5)
    torch.testing.assert_close(data.target.in_units(wanted), data.train.targets.double(), rtol=1e-4, atol=1e-3)
    assert kind_of_table(settings(frame, target=["low", "high"])) == ("regression", 0)
    logs = loaded(frame, target=["low", "high"], log_target=True)
    torch.testing.assert_close(
        logs.target.in_units(logs.target.standardized(logs.train.targets)),
        logs.train.targets.double(),
        rtol=1e-4,
        atol=0,
    )


def test_zero_and_one_are_numbers_where_the_settings_say_so() -> None:
    frame = small(**COLUMNS)
    assert kind_of_table(settings(frame, target=[*COLUMNS], kind="regression")) == ("regression", 0)
    assert kind_of_table(settings(frame, target=["first", "size"])) == ("regression", 0)


@pytest.mark.parametrize("columns", [("y",), ("first", "second")])
def test_a_target_survives_its_plain_form(columns: tuple[str, ...]) -> None:
    data = loaded(small(y=PLACES * 1.0, **COLUMNS), target=list(columns))
    assert Target.from_dict(data.target.to_dict()) == data.target


def test_the_plain_form_of_one_number_is_that_of_older_exports() -> None:
    plain = loaded(small(y=PLACES * 1.0), target="y").target.to_dict()
    assert set(plain) == {"name", "classes", "mean", "std", "log"}
    assert isinstance(plain["mean"], float)


def test_a_list_of_one_column_is_that_column() -> None:
    assert TableSettings(target=["y"]).target == "y"


@pytest.mark.parametrize(
    ("columns", "target", "said"),
    [
        (
            {"a": FIRST, "b": ["x", "y"] * 20},
            ["a", "b"],
            "target 'b' holds 'x'; several target columns hold 0 or 1 .*; or",
        ),
        ({"a": FIRST, "b": FIRST * 0}, ["a", "b"], "class 'b' of the target has 0 rows, and each of 3 parts needs one"),
        ({"a": FIRST, "b": [None, *FIRST[1:]]}, ["a", "b"], "target 'b' is missing .* row 0; leave these rows out"),
        ({"a": PLACES * 0.5, "b": PLACES * 0 + 3.5}, ["a", "b"], "target 'b' is '3.5' in all training rows"),
        ({"a": [["u"], *[["v"]] * 38, "u"]}, "a", "row 39: 'u' is no list, and other rows have lists; give each row"),
        ({"a": [["u"], *[["v"]] * 38, None]}, "a", "target 'a' is missing .* row 39"),
        ({"a": [["u"]] * 40}, "a", "target 'a' has the class u alone; .* two or more"),
        ({"a": [[0, 1], *[[1, 0]] * 38, [1, 0, 1]]}, "a", "row 39 has 3 labels and row 0 has 2; give 0 or 1 for each"),
        ({"a": [[0, 1], *[[1, 0]] * 38, [2, 0]]}, "a", "row 39: the label of class 0 is 2; it must be 1 where"),
        ({"a": [[0.5, 1.5]] * 40}, "a", "the label of class 0 is 0.5; it must be 1 where .* regression"),
        ({"a": FIRST, "b": SECOND}, ["a", "c"], "target is 'c', and the data frame has no such column"),
    ],
)
def test_targets_that_are_wrong_are_refused(columns: dict[str, Any], target: Any, said: str) -> None:
    with pytest.raises(DataError, match=said):
        loaded(small(**columns), target=target)


def test_a_class_that_no_training_row_has_is_refused_elsewhere_too() -> None:
    parts = ["train"] * 34 + ["test"] * 6
    lists = [*LISTS[:34], *[["third"]] * 6]
    with pytest.raises(DataError, match="test rows, row 0 has the class 'third', which no training example has"):
        loaded(small(tags=lists, split=parts), target="tags")
    frame = small(a=FIRST, b=[*SECOND[:34], *[2] * 6], split=parts)
    with pytest.raises(DataError, match="test rows: target 'b', row 0 is 2; it must be 1 where a row has the class"):
        loaded(frame, target=["a", "b"])


def test_what_a_part_lacks_and_every_row_has_is_noted() -> None:
    frame = small(a=[0, *[1] * 39], b=SECOND, c=[1] * 40, split=["train"] * 34 + ["test"] * 6)
    frame.loc[34:, "b"] = 0
    whole = frame.assign(d=[0] * 34 + [1] * 6, split=["train"] * 28 + ["valid"] * 6 + ["test"] * 6)
    with pytest.raises(DataError, match="no training row has the class d; add rows of it, or leave it out of"):
        loaded(whole, target=["a", "d"])
    notes = loaded(frame, target=["a", "b", "c"]).notes
    assert "warning: no test row is of class b" in notes
    assert "every training row has the class c" in notes


def test_settings_of_targets_are_checked() -> None:
    for target in ([], ["a", "a"], ["a", 3], 3):
        with pytest.raises(TrainableError, match=r"target is .*; it must be"):
            TableSettings(target=target)  # type: ignore[arg-type]
    with pytest.raises(DataError, match="numeric names 'a', which is the target"):
        loaded(small(a=FIRST, b=SECOND), target=["a", "b"], numeric=["a"])
    with pytest.raises(DataError, match="target 'a' holds lists, and kind is 'regression'; give a column for each"):
        loaded(small(a=LISTS), target="a", kind="regression")


@pytest.mark.slow
def test_folds_and_groups_part_rows_of_several_classes() -> None:
    frame = small(**COLUMNS, who=[f"g{place // 4}" for place in PLACES])
    folded = [loaded(frame, target=[*COLUMNS], folds=3, fold=fold) for fold in range(3)]
    assert sorted(len(one.validation) for one in folded) == [10, 11, 11]
    grouped = loaded(frame, target=[*COLUMNS], validation_groups="who")
    assert len(grouped.test) == 8


def test_arrays_with_several_columns_of_targets_become_a_table() -> None:
    rows = np.stack([PLACES * 0.5, FIRST], 1)
    kept = keep((rows, np.stack([FIRST, SECOND], 1)), task="table")
    assert kept.settings == {"target": ["y0", "y1"]}
    named = keep((rows, pd.DataFrame(COLUMNS)), task="table")
    assert named.settings == {"target": ["first", "second"]}
    lists = keep((rows, LISTS), task="table")
    assert lists.settings == {"target": "y"}
    data = loaded(lists.data, target="y")
    assert data.classes == ("first", "second")
