"""The settings of the split, which images, tables and signals share."""

from __future__ import annotations

from typing import Any

import pytest

from nas_tune.config.field_texts import field_texts
from trainables.data.boxes import BoxSettings
from trainables.data.settings import DataSettings
from trainables.data.signals.settings import SignalSettings
from trainables.data.split_settings import SplitSettings
from trainables.data.tables.settings import TableSettings
from trainables.errors import TrainableError

KINDS = (BoxSettings, DataSettings, SignalSettings, TableSettings)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"validation_share": 0}, "validation_share is 0"),
        ({"validation_share": 0.91}, "validation_share is 0.91"),
        ({"test_share": 0.0}, "test_share is 0"),
        ({"test_share": 0.91}, "test_share is 0.91"),
        ({"seed": -1}, "data_seed is -1"),
        ({"seed": 2**32 + 1}, "data_seed is 4294967297"),
        ({"whole": 1}, "whole is 1"),
        ({"folds": 1}, "folds is 1"),
        ({"fold": 0}, "folds is not given"),
        ({"folds": 3, "fold": 3}, "fold is 3"),
        ({"folds": 3, "whole": True}, "no example for validation"),
        ({"validation_groups": 3}, "validation_groups is 3"),
    ],
)
def test_what_cannot_be_is_refused_for_every_kind_of_data(
    kind: type[SplitSettings], settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(TrainableError, match=message):
        kind(**settings)


@pytest.mark.parametrize("kind", KINDS)
def test_the_bounds_themselves_are_allowed(kind: type[SplitSettings]) -> None:
    kind(validation_share=0.9, test_share=0.9, seed=2**32, folds=2, fold=1)
    assert kind() == kind(validation_share=0.2, test_share=0.2, folds=None, fold=None, seed=0, whole=False)


def test_a_kind_of_data_says_itself_what_its_groups_are_called() -> None:
    texts = [field_texts(kind)["validation_groups"] for kind in (SplitSettings, *KINDS)]
    assert len({*texts}) == len(KINDS) + 1
    assert {field_texts(kind)["folds"] for kind in KINDS} == {field_texts(SplitSettings)["folds"]}
