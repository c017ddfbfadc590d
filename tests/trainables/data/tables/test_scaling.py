"""Numbers of tables as shares of bins: the encoding, where its bins are, and its way through JSON and torch.export."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from trainables.data.tables.scaling import Scaling

ROWS = np.random.default_rng(0).exponential(2.0, 500)


def fitted(*columns: np.ndarray, missing: bool = False) -> Scaling:
    return Scaling.fit("piecewise", np.stack(columns).astype(np.float32), [missing] * len(columns))


def scaled(scaling: Scaling, *numbers: float) -> Tensor:
    return scaling.scaled(torch.tensor(numbers, dtype=torch.float32)[:, None])


def test_each_input_is_the_share_of_its_bin_below_the_number() -> None:
    scaling = fitted(np.array([0.0, 1.0, 3.0, 7.0]))
    assert scaled(scaling, 0, 0.25, 1, 2, 6, 7).tolist() == [
        [0, 0, 0], [0.25, 0, 0], [1, 0, 0], [1, 0.5, 0], [1, 1, 0.75], [1, 1, 1],
    ]  # fmt: skip


def test_numbers_beyond_the_training_rows_are_those_at_the_ends() -> None:
    scaling = fitted(ROWS)
    ends = scaled(scaling, -1e9, float(ROWS.min()), float(ROWS.max()), 1e9)
    assert torch.equal(ends[0], ends[1])
    assert torch.equal(ends[2], ends[3])
    assert float(ends[0].sum()) == 0
    assert float(ends[3].sum()) == scaling.width


def test_bins_are_where_the_rows_are_and_where_the_values_are() -> None:
    mostly_zero = np.where(np.arange(1000) < 950, 0.0, np.arange(1000.0))
    scaling = fitted(mostly_zero)
    assert scaling.width > 20, "bins by rows alone would leave one or two"
    seen = scaled(scaling, *np.linspace(951, 999, 12))
    assert len(seen.unique(dim=0)) == 12


def test_greater_numbers_have_no_smaller_input() -> None:
    ordered = scaled(fitted(ROWS), *np.sort(ROWS)[::7])
    assert bool((ordered.diff(dim=0) >= 0).all())


def test_a_column_of_few_values_has_few_inputs_and_one_without_spread_none() -> None:
    scaling = fitted(np.repeat([0.0, 1.0], 5), np.full(10, 3.0), np.arange(10.0))
    assert scaling.width == 1 + 0 + 9


@pytest.mark.parametrize("kind", ["standard", "log", "quantile", "piecewise"])
def test_a_column_of_missing_numbers_only_says_nothing_but_that(kind: str) -> None:
    numbers = np.stack([np.full(4, np.nan), np.arange(4.0)], 1).astype(np.float32)
    rows = Scaling.fit(kind, numbers.T, [True, False]).scaled(torch.tensor(numbers))
    assert bool(rows.isfinite().all())
    assert int((rows.amin(0) == rows.amax(0)).sum()) == (1 if kind == "piecewise" else 2)


def test_a_missing_number_is_nothing_and_is_said() -> None:
    scaling = fitted(np.array([0.0, 1.0, np.nan, 2.0]), missing=True)
    assert scaled(scaling, float("nan"), 2.0).tolist() == [[0, 0, 1], [1, 1, 0]]


@pytest.mark.parametrize("kind", ["standard", "log", "quantile", "piecewise"])
def test_json_keeps_a_scaling(kind: str) -> None:
    scaling = Scaling.fit(kind, np.stack([ROWS, -ROWS]).astype(np.float32), [True, False])
    rows = torch.tensor(np.stack([ROWS[:9], ROWS[9:18]], 1), dtype=torch.float32)
    rows[0, 0] = torch.nan
    again = Scaling.from_dict(json.loads(json.dumps(scaling.to_dict())))
    assert torch.equal(again.scaled(rows), scaling.scaled(rows))
    assert again.width == scaling.scaled(rows).shape[1]
    assert bool(torch.isfinite(scaling.scaled(rows)).all())


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["quantile", "piecewise"])
def test_an_exported_program_scales_any_number_of_rows(kind: str) -> None:
    class Scales(nn.Module):
        def forward(self, numbers: Tensor) -> Tensor:
            return scaling.scaled(numbers)

    scaling = Scaling.fit(kind, ROWS[None].astype(np.float32), [True])
    rows = torch.tensor(ROWS[:5, None], dtype=torch.float32)
    program = torch.export.export(Scales(), (rows[:2],), dynamic_shapes=({0: torch.export.Dim("batch")},)).module()
    assert torch.equal(program(rows), scaling.scaled(rows))
