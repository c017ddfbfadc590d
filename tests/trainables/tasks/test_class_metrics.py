"""The names of the metrics of classes are plain, short and unlike each other, whatever the classes are called."""

from __future__ import annotations

import pytest

from trainables.tasks.class_metrics import class_metric_names


@pytest.mark.parametrize(
    ("classes", "names"),
    [
        (["RBC", "cell phone"], ["ap50_rbc", "ap50_cell_phone"]),
        (["Cell-phone", "cell phone", "x"], ["ap50_cell_phone_0", "ap50_cell_phone_1", "ap50_x"]),
        (["a", "a!", "a_0"], ["ap50_a_3", "ap50_a_1", "ap50_a_0"]),
        (["café", "Łódź"], ["ap50_cafe", "ap50_odz"]),
        (["кошка", "собака"], ["ap50_class_0", "ap50_class_1"]),
        (["--", ""], ["ap50_class_0", "ap50_class_1"]),
    ],
)
def test_names_are_plain_and_unlike(classes: list[str], names: list[str]) -> None:
    assert list(class_metric_names("ap50", classes)) == names


def test_long_names_are_cut_and_stay_unlike() -> None:
    names = class_metric_names("dice", ["left " * 30, "left " * 31, "right " * 30], first=1)
    assert [len(name) <= 48 for name in names] == [True] * 3
    assert len(set(names)) == 3
    assert names[1].endswith("_2")
    assert all("__" not in name for name in names)


def test_a_number_that_another_class_has_is_passed_over() -> None:
    long = "a" * 60
    names = class_metric_names("dice", [long, long, "a" * 41 + "_0"])
    assert len(set(names)) == 3
    assert names[2] == "dice_" + "a" * 41 + "_0"
