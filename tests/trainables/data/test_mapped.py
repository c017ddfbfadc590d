"""Arrays that are read from their files while the network trains are those in memory, to the last bit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import search_spaces
from trainables import kept_data
from trainables.data import DataSettings, load_images, load_raw
from trainables.data.loading import described_images
from trainables.data.streaming import MappedArray, MappedRows, memory
from trainables.data.streaming.scratch import joined_on_disk
from trainables.errors import DataError
from trainables.tasks.learner import Learner
from trainables.training.fetching import fetched

CPU = torch.device("cpu")
CELL = search_spaces.get("nb201").sample(0)
COUNT = 48
RNG = np.random.default_rng(0)
BYTES = RNG.integers(0, 256, (COUNT, 9, 8, 3), dtype=np.uint8)
LABELS = np.arange(COUNT) % 3


def rows_of(split: Any) -> tuple[torch.Tensor, torch.Tensor]:
    found: tuple[torch.Tensor, torch.Tensor] = split.rows(torch.arange(len(split)))
    return found


@pytest.mark.parametrize(
    "values",
    [
        BYTES,
        BYTES[..., 0],
        BYTES.transpose(0, 3, 1, 2).copy(),
        BYTES.astype(np.int64),
        BYTES.astype(">i2") * 9,
        RNG.normal(size=(COUNT, 1, 5, 5)).astype(np.float32),
        RNG.normal(size=(COUNT, 5, 5)),
        BYTES > 99,
    ],
)
@pytest.mark.parametrize("settings", [{}, {"folds": 3, "fold": 1}])
def test_streamed_arrays_are_those_in_memory_to_the_last_bit(tmp_path: Path, values: Any, settings: Any) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, x=values, y=LABELS)
    inside, streamed = (
        load_images(DataSettings(str(path), stream=stream, **settings), CPU) for stream in (False, True)
    )
    assert isinstance(streamed.train.images, MappedRows)
    for name in ("train", "validation", "test"):
        assert all(map(torch.equal, rows_of(getattr(inside, name)), rows_of(getattr(streamed, name))))
    assert torch.equal(inside.mean, streamed.mean)
    assert torch.equal(inside.std, streamed.std)
    assert inside.arguments() == streamed.arguments()
    batches = torch.randperm(len(inside.train), generator=torch.Generator().manual_seed(0)).split(7)
    with fetched(streamed.train, batches) as coming:
        for rows, found in zip(batches, coming, strict=True):
            assert all(map(torch.equal, inside.train.rows(rows), found))
    assert len(streamed.train.rows(torch.arange(0))[0]) == 0
    one, other = (load_raw(DataSettings(str(path), stream=stream)) for stream in (False, True))
    assert one.checksum() == other.checksum()


def test_given_parts_are_joined_where_training_uses_them_too(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, x=BYTES[:30], y=LABELS[:30], x_val=BYTES[30:], y_val=LABELS[30:])
    one, other = (load_images(DataSettings(str(path), stream=s, whole=True), CPU) for s in (False, True))
    order = torch.randperm(len(one.train), generator=torch.Generator().manual_seed(0))
    assert all(map(torch.equal, one.train.rows(order), other.train.rows(order)))


def test_a_training_has_the_numbers_of_one_in_memory(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, x=BYTES, y=LABELS)
    small = {"task": "classification", "space": "nb201", "channels": 2, "cells": 1, "device": "cpu", "batch_size": 8}
    steps = []
    for stream in (False, True):
        learner = Learner(data=str(path), stream=stream, **small)  # type: ignore[arg-type]
        learner.setup(CELL, seed=0, max_epochs=2)
        steps.append((learner.step(), learner.evaluate("test"), learner.data_checksum()))
    assert steps[0] == steps[1]


def test_the_description_is_that_of_arrays_in_memory_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, x=BYTES, y=LABELS, x_test=BYTES[:9], y_test=LABELS[:9], z=[1])
    inside, streamed = (described_images(DataSettings(str(path), stream=stream)) for stream in (False, True))
    assert streamed[0] == f"{inside[0]}; streamed: 2 threads read them while the network trains"
    assert streamed[1:] == inside[1:]
    monkeypatch.setattr(memory, "free_memory", lambda: 4 * BYTES.nbytes)
    found = load_raw(DataSettings(str(path)))
    assert isinstance(found.train.images, MappedRows)
    assert "streamed, since they would take 0.0 MiB and 0.0 MiB of memory are free: 2 threads read" in found.notes[-1]


def test_values_that_a_network_cannot_take_are_refused_as_in_memory(tmp_path: Path) -> None:
    gaps = BYTES.astype(np.float64)
    gaps[5, 0, 0, 0] = np.nan
    for values, message in ((gaps, "such as image 5"), (1e12 + BYTES, "float32 cannot tell apart")):
        np.savez(tmp_path / "a.npz", x=values, y=LABELS)
        said = []
        for stream in (False, True):
            with pytest.raises(DataError, match=message) as error:
                load_raw(DataSettings(str(tmp_path / "a.npz"), stream=stream))
            said.append(str(error.value))
        assert said[0] == said[1]


def test_compressed_arrays_are_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.npz"
    np.savez_compressed(path, x=BYTES, y=LABELS)
    held = load_raw(DataSettings(str(path))).train.images
    monkeypatch.setattr(memory, "free_memory", lambda: 1)
    monkeypatch.setattr("trainables.data.streaming.mapped._CHUNK", 100)
    streamed = load_raw(DataSettings(str(path), loaders=1)).train.images
    assert isinstance(held, torch.Tensor)
    assert isinstance(streamed, MappedRows)
    assert torch.equal(streamed.index_select(0, torch.arange(len(held))), held)
    assert not list(kept_data.new_file("data/x").parent.glob("*.scratch"))


def test_a_file_that_changes_while_it_is_read_is_told(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=BYTES)
    mapped = MappedArray.of_npz(tmp_path / "a.npz", "x")
    assert mapped is not None
    assert len(mapped.rows([0])) == 1
    (tmp_path / "a.npz").write_bytes(b"short")  # reading on would end the process with SIGBUS
    with pytest.raises(DataError, match=r"a\.npz was changed while its rows were read; leave a file"):
        mapped.rows([0])


def test_a_file_that_is_moved_or_replaced_stays_as_it_was(tmp_path: Path) -> None:
    for away in (lambda path: path.unlink(), lambda path: (tmp_path / "other").replace(path)):
        np.savez(tmp_path / "a.npz", x=BYTES)
        (tmp_path / "other").write_bytes(b"short")
        mapped = MappedArray.of_npz(tmp_path / "a.npz", "x")
        assert mapped is not None
        away(tmp_path / "a.npz")
        assert (mapped.rows([1]) == BYTES[[1]]).all()


def test_a_full_disk_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trainables.data.streaming.scratch.new_file", lambda _: Path("/dev/full"))
    monkeypatch.setattr(Path, "unlink", lambda _: None)
    with pytest.raises(DataError, match=r"streamed data are written to /dev, which failed .*No space left.*TMPDIR"):
        joined_on_disk([np.zeros(2**20)])
    monkeypatch.setattr("trainables.data.streaming.scratch.new_file", lambda _: Path("/no/such/folder/file"))
    with pytest.raises(DataError, match=r"streamed data are written to /no/such/folder, which failed .*TMPDIR"):
        joined_on_disk([np.zeros(1)])


def test_an_array_on_the_disk_needs_no_file_of_its_own() -> None:
    assert joined_on_disk([np.arange(3), np.arange(2)]).tolist() == [0, 1, 2, 0, 1]
    assert joined_on_disk([np.zeros(0, np.uint32)]).dtype == np.uint32
    assert not list(kept_data.new_file("data/x").parent.glob("*.scratch"))


def test_arrays_are_mapped_and_damaged_files_are_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", BYTES)
    mapped = MappedArray.of_npy(tmp_path / "a.npy")
    assert mapped is not None
    assert (mapped.shape, mapped.dtype, mapped.nbytes) == (BYTES.shape, BYTES.dtype, BYTES.nbytes)
    assert (mapped.rows([7, 2]) == BYTES[[7, 2]]).all()
    assert (np.concatenate(list(mapped.chunks())) == BYTES).all()
    np.save(tmp_path / "b.npy", np.asfortranarray(BYTES))
    assert MappedArray.of_npy(tmp_path / "b.npy") is None
    (tmp_path / "a.npy").write_bytes((tmp_path / "a.npy").read_bytes()[:-5])
    with pytest.raises(ValueError, match="bytes of an array of"):
        MappedArray.of_npy(tmp_path / "a.npy")
