"""SQL over tables whose columns SQL itself would take for one another."""

from __future__ import annotations

import pyarrow as pa
import pytest

from nas_tune.errors import ConfigError
from nas_tune.results.sql import query


def table() -> pa.Table:
    return pa.table({"trial": [0], "accuracy": [0.25], "Accuracy": [0.75], "accuracy_1": [1.0]})


def test_columns_of_an_old_run_that_differ_in_case_alone_are_told_apart() -> None:
    found = query("select * from trials", {"trials": table})
    assert found.to_pylist() == [{"trial": 0, "accuracy_2": 0.25, "Accuracy_3": 0.75, "accuracy_1": 1.0}]


def test_a_query_for_one_of_them_is_refused_rather_than_answered_with_the_other() -> None:
    with pytest.raises(ConfigError, match="trials has: trial, accuracy_2, Accuracy_3, accuracy_1"):
        query('select "Accuracy" from trials', {"trials": table})
