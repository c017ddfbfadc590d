"""The gradient boosting beside a search on a table: what scikit-learn gets, and what its predictions become."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn import ensemble
from torch import Tensor

from tests.trainables.data.tables.frames import loaded, small
from trainables.data.tables import TableData
from trainables.tasks.table_control import NAME, _frame, boosted_trees

PLACES = np.arange(40)


class Measured:
    """Keeps the outputs and targets of each part."""

    def __init__(self) -> None:
        self.got: list[tuple[Tensor, Tensor]] = []

    def __call__(self, outputs: Tensor, targets: Tensor) -> dict[str, float]:
        self.got.append((outputs, targets))
        return {"count": float(len(targets))}


def fitted(monkeypatch: pytest.MonkeyPatch, data: TableData) -> tuple[Any, list[tuple[Tensor, Tensor]], list[Any]]:
    """The control, what was measured, and what each model was fitted to."""
    fits: list[Any] = []
    for name in ("HistGradientBoostingClassifier", "HistGradientBoostingRegressor"):
        kind = getattr(ensemble, name)

        class Kept(kind):  # type: ignore[misc, valid-type]
            def fit(self, rows: Any, column: Any) -> Any:
                fits.append((type(self).__mro__[1].__name__, self.random_state, rows, column))
                return super().fit(rows, column)

        monkeypatch.setattr(ensemble, name, Kept)
    measure = Measured()
    return boosted_trees(data, measure, seed=5), measure.got, fits


@pytest.mark.slow
def test_classes_have_logarithms_of_probabilities(monkeypatch: pytest.MonkeyPatch) -> None:
    data = loaded(small())
    control, got, fits = fitted(monkeypatch, data)
    assert control.name == NAME
    assert control.scores == {"validation": {"count": 6.0}, "test": {"count": 8.0}}
    assert control.seconds >= 0
    ((kind, seed, rows, column),) = fits
    assert (kind, seed) == ("HistGradientBoostingClassifier", 5)
    assert column.tolist() == data.train.targets.tolist()
    assert sorted(rows) == ["category colour", "number level", "number size", "number weight"]
    assert np.isnan(rows["number weight"]).sum() == int(np.isnan(data.train.numbers.numpy()).sum())
    assert isinstance(rows["category colour"].dtype, pd.CategoricalDtype)
    for (outputs, targets), part in zip(got, (data.validation, data.test), strict=True):
        assert torch.equal(targets, part.targets)
        assert outputs.exp().sum(1).tolist() == pytest.approx([1.0] * len(part))
    model = ensemble.HistGradientBoostingClassifier(random_state=5).fit(rows, column)
    assert got[1][0].exp().tolist() == pytest.approx(model.predict_proba(_frame(data, data.test)))


@pytest.mark.slow
def test_numbers_are_standardized_and_a_logarithm_is_taken_first(monkeypatch: pytest.MonkeyPatch) -> None:
    data = loaded(small(price=PLACES * 2.0 + 1), target="price")
    _, got, fits = fitted(monkeypatch, data)
    assert [fit[0] for fit in fits] == ["HistGradientBoostingRegressor"]
    assert fits[0][3].tolist() == data.train.targets.flatten().tolist()
    outputs, targets = got[1]
    assert outputs.shape == (8, 1)
    mean, std = float(data.target.mean[0]), float(data.target.std[0])
    model = ensemble.HistGradientBoostingRegressor(random_state=5).fit(fits[0][2], fits[0][3])
    predicted = model.predict(_frame(data, data.test))
    assert (outputs[:, 0] * std + mean).tolist() == pytest.approx(predicted.tolist())
    assert torch.equal(targets, data.test.targets)
    logs = loaded(small(price=np.exp(PLACES / 4)), target="price", log_target=True)
    _, _, fits = fitted(monkeypatch, logs)
    assert fits[0][3].tolist() == pytest.approx(logs.train.targets.log().flatten().tolist())


@pytest.mark.slow
def test_each_of_several_numbers_has_a_model(monkeypatch: pytest.MonkeyPatch) -> None:
    data = loaded(small(a=PLACES * 1.0, b=-3.0 * PLACES), target=["a", "b"])
    _, got, fits = fitted(monkeypatch, data)
    assert [fit[3].tolist() for fit in fits] == data.train.targets.T.tolist()
    outputs, _ = got[0]
    assert outputs.shape == (len(data.validation), 2)
    assert torch.allclose(outputs[:, 0], -outputs[:, 1], atol=1e-6)


def test_classes_that_stand_together_have_odds_and_one_that_is_always_there_no_model(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data = loaded(small(first=PLACES % 2, second=np.ones(40, dtype=int)), target=["first", "second"])
    _, got, fits = fitted(monkeypatch, data)
    assert [fit[0] for fit in fits] == ["HistGradientBoostingClassifier"]
    assert fits[0][3].tolist() == data.train.targets[:, 0].tolist()
    outputs, _ = got[1]
    assert outputs.shape == (8, 2)
    assert (outputs[:, 1] > 30).all(), "always there, but for what a logarithm can hold"
    assert torch.isfinite(outputs).all()
    assert outputs[:, 0].sigmoid().tolist() == pytest.approx([0.5] * 8, abs=0.49)


@pytest.mark.slow
def test_many_categories_are_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = np.arange(1600)
    frame = small(1600, few=np.char.add("c", (rows % 200).astype(str)), many=np.char.add("m", (rows % 400).astype(str)))
    data = loaded(frame)
    sizes = {column.name: column.cardinality for column in data.encoding.categories}
    assert sizes["few"] <= 255 < sizes["many"]
    _, _, fits = fitted(monkeypatch, data)
    given = fits[0][2]
    assert isinstance(given["category few"].dtype, pd.CategoricalDtype)
    assert len(given["category few"].dtype.categories) == sizes["few"]
    assert given["category many"].dtype == np.float64


def test_what_cannot_be_fitted_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    class Refusing:
        def __init__(self, random_state: int) -> None:
            self.seed = random_state

        def fit(self, rows: Any, column: Any) -> None:
            raise ValueError("no\nsecond line")

    monkeypatch.setattr(ensemble, "HistGradientBoostingClassifier", Refusing)
    control = boosted_trees(loaded(small()), Measured(), seed=0)
    assert (control.name, dict(control.scores), control.failure) == (NAME, {}, "no")
