"""Values of predictions become columns: one for each number of a row, whatever the rows are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from nas_tune.winners.predict.frames import _by_column


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        ([[1, 2]], {"y_0": [1], "y_1": [2]}),
        ([[1, 2], [3, 4]], {"y_0": [1, 3], "y_1": [2, 4]}),
        ([[1], [2]], {"y": [1, 2]}),
        ([1, 2], {"y": [1, 2]}),
        ([], {"y": []}),
        (np.array([[1, 2]]), {"y_0": [1], "y_1": [2]}),
        ({"a": [1], "b": [[2, 3]]}, {"y_a": [1], "y_b_0": [2], "y_b_1": [3]}),
        (([1], [2]), {"y_0": [1], "y_1": [2]}),
    ],
)
def test_rows_of_numbers_are_a_column_each(values: Any, wanted: dict[str, list[int]]) -> None:
    assert {name: list(column) for name, column in _by_column(values, "y")} == wanted
