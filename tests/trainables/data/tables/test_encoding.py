"""Rows become numbers and codes by what the training rows decided, which is plain data."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import pandas as pd
import pytest
import torch

from tests.trainables.data.tables.frames import loaded, small
from trainables.data.tables.encoding import CategoryColumn, Encoding
from trainables.data.tables.scaling import Scaling
from trainables.errors import DataError

GIVEN = ["train"] * 30 + ["val"] * 5 + ["test"] * 5


def test_unseen_and_missing_categories_have_codes():
    colours = [*(["red", "blue", None] * 10), *["red"] * 5, "red", None, "violet", "blue", "violet"]
    data = loaded(small(colour=colours, split=GIVEN), numeric=["level"])
    assert data.encoding.categories == (CategoryColumn("colour", ("blue", "red"), missing=True),)
    assert data.arguments() == {"num_classes": 2, "num_features": 4, "cardinalities": (4,)}
    assert data.train.categories[:3, 0].tolist() == [3, 2, 1]
    assert data.test.categories[:, 0].tolist() == [3, 1, 0, 2, 0]
    # Where training misses none, a missing one is as unseen as a new one.
    data = loaded(small(colour=["red", "blue"] * 15 + [None, "red"] * 5, split=GIVEN), numeric=["level"])
    assert data.arguments()["cardinalities"] == (3,)
    assert data.validation.categories[:, 0].tolist() == [0, 2, 0, 2, 0]


def test_many_categories_are_hashed_the_same_everywhere():
    names = [f"n{place % 1100}" for place in range(2400)]
    data = loaded(small(2400, name=names), test_share=0.01, validation_share=0.01)
    (column,) = [column for column in data.encoding.categories if column.name == "name"]
    assert (column.values, column.buckets, column.cardinality) == ((), 1000, 1001)
    assert any(note == "column 'name' has 1100 categories, hashed to 1000 codes" for note in data.notes)
    codes = data.encoding.encode(small(2, name=["n0", "new"]), "rows")[1][:, -1]
    first = int.from_bytes(hashlib.blake2b(b"n0", digest_size=8).digest(), "big") % 1000
    assert codes[0] == 1 + first
    assert 1 <= codes[1] <= 1000


def test_an_encoding_is_plain_data():
    data = loaded(small(flag=[True, False] * 20))
    for kind, found in ((Encoding, data.encoding), (Scaling, data.scaling)):
        back = kind.from_dict(json.loads(json.dumps(found.to_dict())))
        assert back.to_dict() == found.to_dict()
    rows = small(flag=[True, False] * 20)
    numbers, codes = Encoding.from_dict(data.encoding.to_dict()).encode(rows, "rows")
    wanted = data.encoding.encode(rows, "rows")
    assert np.array_equal(numbers, wanted[0], equal_nan=True)
    assert np.array_equal(codes, wanted[1])
    with pytest.raises(DataError, match="rows to predict lack the column 'flag'"):
        data.encoding.encode(small(), "rows to predict")


def test_numbers_are_standardized_by_the_training_rows_alone():
    data = loaded(small(split=GIVEN, size=[*range(30), *[1000.0] * 10]), drop=["level"])
    scaled = data.normalize(data.train.rows(torch.arange(30))[0])["numbers"]
    assert scaled.shape == (30, 3)
    assert torch.allclose(scaled[:, 0].mean(), torch.tensor(0.0), atol=1e-6)
    assert torch.allclose(scaled[:, 0].std(correction=0), torch.tensor(1.0))
    assert scaled[::4, 1].tolist() == [0.0] * 8
    assert scaled[:, 2].tolist() == [float(place % 4 == 0) for place in range(30)]
    assert torch.equal(data.example()["numbers"], scaled[:1])


@pytest.mark.parametrize("kind", ["standard", "log", "quantile"])
def test_scales_keep_the_order_and_outliers_are_tamed(kind):
    values = np.concatenate([np.linspace(-5, 5, 400), [1e6]]).astype(np.float32)[:, None]
    scaling = Scaling.fit(kind, values.T, [False])
    found = scaling.scaled(torch.from_numpy(values))[:, 0]
    assert bool((found.diff() >= 0).all())
    assert found.isfinite().all()
    assert bool(found[-1] > 10) == (kind == "standard")
    if kind == "quantile":
        inner = torch.special.ndtri((torch.arange(401) + 0.5) / 401)
        assert torch.allclose(found, inner, atol=0.05)
        outside = scaling.scaled(torch.tensor([[-1e9], [1e9]]))[:, 0]
        assert torch.equal(outside, torch.stack([found[0], found[-1]]))


def test_ranks_of_equal_numbers_are_those_in_the_middle():
    scaling = Scaling.fit("quantile", np.array([[0.0]] * 6 + [[1.0]] * 2, np.float32).T, [False])
    found = scaling.scaled(torch.tensor([[0.0], [1.0], [0.5]]))[:, 0]
    ends = torch.special.ndtri(torch.tensor([3 / 8, 7 / 8]))
    assert torch.allclose(found, torch.tensor([ends[0], ends[1], ends.mean()]))


def test_a_table_of_numbers_is_a_tensor_and_one_of_categories_a_dict():
    numbers = loaded(pd.DataFrame({"a": np.arange(40.0), "good": ["x", "y"] * 20}))
    assert numbers.example().shape == (1, 1)
    assert "cardinalities" not in numbers.arguments()
    categories = loaded(pd.DataFrame({"a": ["u", "v", "v", "u"] * 10, "good": ["x", "y"] * 20}))
    assert set(categories.example()) == {"categories"}
    assert categories.arguments()["num_features"] == 0
