"""What is predicted decides the kind of the task; a target that teaches nothing is refused, and splits are fair."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.trainables.data.tables.frames import loaded, small
from trainables.data.tables import TableSettings, frames_of, kind_of_table
from trainables.errors import DataError, TrainableError

PLACES = np.arange(40)


def kind(target, **settings):
    return kind_of_table(TableSettings(data=small(y=target), target="y", **settings))


@pytest.mark.slow
def test_values_decide_the_kind():
    assert kind(PLACES % 3) == ("classification", 3)
    assert kind(PLACES % 2 == 0) == ("classification", 2)
    assert kind(PLACES * 0.5) == ("regression", 0)
    assert kind(PLACES) == ("regression", 0)
    assert kind(PLACES % 10) == ("regression", 0)  # 4 rows for each value
    assert kind(PLACES % 10, kind="classification", test_share=0.1, validation_share=0.1) == ("classification", 10)
    assert kind(PLACES % 3, kind="regression") == ("regression", 0)


def test_classes_are_in_the_order_of_their_numbers_or_texts():
    assert loaded(small(y=(PLACES % 3) * 5 + 5), target="y").classes == ("5", "10", "15")
    assert loaded(small(y=[True, False] * 20), target="y").classes == ("false", "true")
    data = loaded(small())
    assert data.classes == ("no", "yes")
    assert data.test.targets.float().mean() == 0.5  # each class keeps its share


def test_a_regression_is_standardized_and_of_the_logarithm_on_wish():
    data = loaded(small(y=PLACES + 1.0), target="y", log_target=True)
    logs = data.train.targets.double().log()
    assert data.target.mean == pytest.approx([float(logs.mean())])
    assert data.target.std == pytest.approx([float(logs.std(correction=0))])
    assert data.arguments()["num_classes"] == 1
    with pytest.raises(DataError, match="0 has no logarithm, which is that of numbers above 0"):
        loaded(small(y=PLACES * 1.0), target="y", log_target=True)
    with pytest.raises(TrainableError, match="a class has no logarithm"):
        TableSettings(kind="classification", log_target=True)


@pytest.mark.parametrize(
    ("target", "settings", "said"),
    [
        (["a"] * 40, {}, "target 'y' is 'a' in all training rows; there is nothing to learn"),
        ([np.nan, *range(39)], {}, r"target 'y' is missing \(NaN or empty\) in 1 of 40 rows: row 0; leave"),
        (["a", None] * 20, {}, r"in 20 of 40 rows: row 1, 3, 5, 7, 9, \.\.; leave"),
        ([f"n{place}" for place in range(40)], {}, "40 different values in 40 rows, too many for classes"),
        (["a"] * 39 + ["b"], {}, "class 'b' of target 'y' has 1 row, and each of 3 parts needs one; add rows"),
        ([*range(39), np.inf], {"test_share": 0.01, "validation_share": 0.01}, "inf is not a finite number"),
        (["a", "b"] * 20, {"kind": "regression"}, "'a' is not a number"),
        (["a", "b"] * 20, {"target": "z"}, "target is 'z', and the data frame has no such column.*its columns: size"),
        (["a", "b"] * 20, {"target": None}, 'no target is given; give target="<column>".*its columns: size'),
        (["a", "b"] * 18 + ["c", "a"] * 2, {"part": ["train"] * 35 + ["test"] * 5}, "class 'c'.*no training row has"),
    ],
)
def test_targets_that_teach_nothing_are_refused(target, settings, said):
    frame = small(y=target, **({"split": settings["part"]} if "part" in settings else {}))
    with pytest.raises(DataError, match=said):
        loaded(frame, **{"target": "y", **{key: value for key, value in settings.items() if key != "part"}})


def test_the_same_seed_gives_the_same_rows():
    def rows(seed):
        return loaded(small(), seed=seed).test.numbers[:, 0].tolist()

    assert rows(0) == rows(0) != rows(1)
    found = frames_of(TableSettings(data=small(), target="good"))
    assert sorted(value for frame in found.values() for value in frame["size"]) == (PLACES * 0.5).tolist()


def test_groups_stay_on_one_side():
    groups = [f"g{place // 4}" for place in range(40)]
    data = loaded(small(who=groups), validation_groups="who")
    held = [set(data.groups[part].tolist()) for part in ("train", "validation", "test")]
    assert sum(map(len, held)) == 10 == len(set.union(*held))
    assert (len(data.train), len(data.test)) == (24, 8)
    assert "who" not in data.encoding.columns
    with pytest.raises(DataError, match="group 'g0' of the column 'who' has rows for train and for test"):
        loaded(small(who=groups, split=["train", "test"] * 20), validation_groups="who")
    with pytest.raises(DataError, match="has 1 group left and each part needs one"):
        loaded(small(who="one"), validation_groups="who")
    with pytest.raises(DataError, match="row 3 has no group in the column 'who'"):
        loaded(small(who=[*groups[:3], None, *groups[4:]]), validation_groups="who")


def test_copies_between_parts_and_absent_classes_are_warned_of():
    frame = small(split=["train"] * 34 + ["test"] * 6)
    frame.loc[34:37, frame.columns[:5]] = frame.loc[0:3, frame.columns[:5]].to_numpy()
    frame.loc[34:, "good"] = "no"
    notes = loaded(frame, validation_share=0.2).notes
    assert any(note.startswith("warning: no test row is of class yes") for note in notes)
    assert any("6 test rows equal a training row, target included" in note for note in notes)
    clean = loaded(small(), validation_share=0.2).notes
    assert clean == []


def test_a_part_without_rows_is_refused():
    data = loaded(small(), whole=True)
    assert (len(data.train), len(data.validation)) == (32, 0)
    with pytest.raises(DataError, match="no row is for validation"):
        data.split("validation")
    with pytest.raises(DataError, match="there is no part 'dev'"):
        data.split("dev")
    assert torch.equal(data.split("test").targets, data.test.targets)
