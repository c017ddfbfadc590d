"""Groups stay whole, and as many are drawn as come nearest to a share; float32 loses nothing that counts."""

from __future__ import annotations

import numpy as np
import pytest

from trainables.data.grouped import drawn_groups, numbered_groups
from trainables.data.numbers import as_float32
from trainables.errors import DataError


@pytest.mark.parametrize("share", [0.001, 0.2, 0.35, 0.5, 0.999])
def test_the_groups_that_are_drawn_come_nearest_to_the_share(share: float) -> None:
    codes = np.repeat([0, 1, 3, 7], [10, 20, 30, 40])
    for seed in range(5):
        found = drawn_groups(codes, share, seed, "x")
        groups = {code: set(found[codes == code].tolist()) for code in (0, 1, 3, 7)}
        assert all(len(one) == 1 for one in groups.values())
        assert 0 < found.sum() < 100
        drawn = [code for code, one in groups.items() if one == {True}]
        sizes = {0: 10, 1: 20, 3: 30, 7: 40}
        least = min(abs(sum(sizes[code] for code in drawn) - sizes[code] - share * 100) for code in drawn)
        assert abs(found.sum() - share * 100) <= least or len(drawn) == 1
    assert (drawn_groups(codes, 0.5, 0, "x") == drawn_groups(codes, 0.5, 0, "x")).all()
    assert len({tuple(drawn_groups(codes, 0.5, seed, "x")) for seed in range(9)}) > 1


def test_the_number_of_groups_follows_the_order_of_the_seed() -> None:
    """Groups of one size: a share of a quarter of eight is two."""
    codes = np.repeat(np.arange(8), 3)
    assert [int(drawn_groups(codes, share, 1, "x").sum()) // 3 for share in (0.01, 0.25, 0.5, 0.99)] == [1, 2, 4, 7]


def test_one_group_cannot_be_split() -> None:
    with pytest.raises(DataError, match=r"^speech: validation_groups has 1 group left and each part needs one"):
        drawn_groups(np.full(4, 2), 0.5, 0, "speech")
    assert drawn_groups(np.array([0, 5]), 0.5, 0, "x").sum() == 1


def test_groups_are_numbered_over_all_parts() -> None:
    found = numbered_groups({"train": ["b", "a", "b"], "test": ["c", "c"]}, "speaker", "words")
    assert {part: codes.tolist() for part, codes in found.items()} == {"train": [0, 1, 0], "test": [2, 2]}


@pytest.mark.parametrize("missing", [None, float("nan")])
def test_an_example_without_a_group_is_told(missing: object) -> None:
    with pytest.raises(DataError, match=r"^words: test example 1 has no group in 'speaker'; fill it in"):
        numbered_groups({"train": ["a"], "test": ["b", missing]}, "speaker", "words")


def test_a_group_in_two_parts_is_told() -> None:
    with pytest.raises(DataError, match="group '1' of 'speaker' has examples for train and for test; move them"):
        numbered_groups({"train": [1, 2], "test": ["1"]}, "speaker", "words")


def test_float32_keeps_a_thousandth_of_the_range() -> None:
    near = np.array([1e9, 1e9 + 1e5])
    assert as_float32(near, "x").dtype == np.float32
    with pytest.raises(DataError, match=r"^ages has values from 1e\+09 to 1e\+09, which float32 cannot tell apart"):
        as_float32(np.array([1e9, 1e9 + 20]), "ages")
    with pytest.raises(DataError, match="cannot tell apart"):
        as_float32(np.array([1_000_000_001, 1_000_000_020]), "ids")
    for plain in (np.array([1e9, 1e9]), np.array([]), np.array([np.inf, 1e9 + 1]), np.array([np.nan, 1e9 + 1, 1e9])):
        assert as_float32(plain, "x").shape == plain.shape
    small = np.array([[250, 3]], dtype=np.uint8)
    assert as_float32(small, "x").tolist() == [[250.0, 3.0]]
    assert as_float32(np.asfortranarray(np.ones((2, 3))), "x").flags.c_contiguous
