"""Arrays without targets: which one of a file is taken, and what is said of others."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from trainables.data.array_files import array_of, arrays_of
from trainables.errors import DataError

USUAL = ("x", "images")


def test_the_array_with_a_usual_name_is_taken_and_a_single_one_with_any(tmp_path: Path) -> None:
    np.savez(tmp_path / "two.npz", images=np.ones(2), other=np.zeros(3))
    np.savez(tmp_path / "one.npz", anything=np.arange(4))
    np.save(tmp_path / "plain.npy", np.arange(5))
    assert array_of(tmp_path / "two.npz", USUAL, "images").tolist() == [1, 1]
    assert array_of(tmp_path / "one.npz", USUAL, "images").tolist() == [0, 1, 2, 3]
    assert array_of(tmp_path / "plain.npy", USUAL, "images").tolist() == [0, 1, 2, 3, 4]
    found = arrays_of(tmp_path / "two.npz")
    assert isinstance(found, dict)
    assert set(found) == {"images", "other"}


def test_of_several_other_names_none_is_guessed(tmp_path: Path) -> None:
    np.savez(tmp_path / "odd.npz", a=np.ones(2), b=np.ones(2))
    with pytest.raises(DataError, match="holds the arrays a, b; give the array of the signals the name x"):
        array_of(tmp_path / "odd.npz", USUAL, "signals")


def test_a_file_without_arrays_and_the_first_of_several_usual_names(tmp_path: Path) -> None:
    np.savez(tmp_path / "empty.npz")
    with pytest.raises(DataError, match="holds the arrays none; give the array of the signals the name x"):
        array_of(tmp_path / "empty.npz", USUAL, "signals")
    np.savez(tmp_path / "both.npz", images=np.zeros(1), x=np.ones(1))
    assert array_of(tmp_path / "both.npz", USUAL, "images").tolist() == [1]


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 and no more", b"\x93NUMPY"])
def test_a_damaged_file_is_told(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "bad.npz").write_bytes(content)
    with pytest.raises(DataError, match="not a complete file of plain arrays"):
        arrays_of(tmp_path / "bad.npz")


def test_objects_are_never_unpickled(tmp_path: Path) -> None:
    np.save(tmp_path / "objects.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(DataError, match="plain arrays"):
        arrays_of(tmp_path / "objects.npy")
