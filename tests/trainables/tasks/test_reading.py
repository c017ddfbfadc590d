"""Arrays as inputs of a network that has no reading of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from trainables.errors import DataError
from trainables.tasks.reading import arrays_like

ONE = torch.zeros(0, 3)
TWO = {"image": torch.zeros(0, 2, 2, dtype=torch.uint8), "age": torch.zeros(0, 1)}
PAIR = (torch.zeros(0, 3), torch.zeros(0, 2, dtype=torch.int64))


def test_arrays_become_what_the_network_takes(tmp_path: Path) -> None:
    x = np.arange(6.0).reshape(2, 3)
    np.save(tmp_path / "x.npy", x)
    np.savez(tmp_path / "x.npz", whatever=x)
    for given in (x, x.tolist(), torch.from_numpy(x), tmp_path / "x.npy", str(tmp_path / "x.npz")):
        found = arrays_like(given, ONE)
        assert found.dtype is torch.float32
        assert found.tolist() == x.tolist()
    images, ages = np.full((2, 2, 2), 255), [[1], [2]]
    np.savez(tmp_path / "both.npz", image=images, age=ages, other=x)
    for given in ({"image": images, "age": ages}, tmp_path / "both.npz"):
        both = arrays_like(given, TWO)
        assert [one.dtype for one in both.values()] == [torch.uint8, torch.float32]
        assert int(both["image"].min()) == 255
    assert arrays_like((x, [[1, 2], [3, 4]]), PAIR)[1].tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize(
    ("x", "like", "message"),
    [
        (np.zeros((2, 4)), ONE, r"x has the shape \(2, 4\); the network takes \(n, 3\)"),
        (np.zeros((0, 3)), ONE, "x has no example; give at least one"),
        ("text", ONE, "there is no file text; correct the path"),
        (object(), ONE, "x is a object; give an array or tensor of numbers"),
        (np.zeros((2, 3)), TWO, r"x is a ndarray of shape \(2, 3\); the network takes a dict with image, age"),
        ({"imag": 1}, TWO, "x has the keys imag, and 'image' is missing; did you mean 'imag'"),
        (
            {"image": np.full((2, 2, 2), 256), "age": np.zeros((2, 1))},
            TWO,
            r"x\['image'\] has values that uint8 cannot hold",
        ),
        ({"image": np.zeros((2, 2, 2)), "age": np.zeros((3, 1))}, TWO, "the inputs have 2 and 3 examples"),
        (np.zeros((2, 3)), PAIR, "the network takes a tuple of 2 arrays"),
        ((np.zeros((2, 3)), np.full((2, 2), 0.5)), PAIR, r"x\[1\] has values that int64 cannot hold"),
    ],
)
def test_what_the_network_does_not_take_is_refused_with_the_remedy(x: Any, like: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        arrays_like(x, like)


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.npz").write_bytes(b"PK damaged")
    with pytest.raises(DataError, match=r"not a complete file of plain arrays .* write it with numpy.savez"):
        arrays_like(tmp_path / "x.npz", ONE)
