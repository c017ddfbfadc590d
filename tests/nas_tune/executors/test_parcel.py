"""What a worker gets of its driver: the job, the import paths, and the folder to which relative paths belong."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from nas_tune.executors.job import Job
from nas_tune.executors.parcel import Parcel
from search_spaces import Architecture
from tests.toys import tiny_space


def reading(architecture: Architecture, *, data: str) -> Iterator[dict[str, float]]:
    yield {"accuracy": float(Path(data).read_text())}


@pytest.fixture
def parcel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Parcel:
    """A parcel of a driver whose folder holds the data; the worker is elsewhere."""
    for name in ("driver", "worker"):
        (tmp_path / name).mkdir()
    (tmp_path / "driver" / "data.txt").write_text("0.5")
    monkeypatch.chdir(tmp_path / "driver")
    parcel = Parcel.of(Job(reading, {"data": "data.txt"}, tmp_path / "run", 1), tiny_space())
    monkeypatch.chdir(tmp_path / "worker")
    return parcel


def test_a_relative_path_leads_a_worker_to_the_file_of_the_driver(parcel: Parcel) -> None:
    job, space = parcel.unpack()
    trainable = job.trainable()
    trainable.setup(space.sample(0), seed=0, max_epochs=1)
    assert trainable.step() == {"accuracy": 0.5}


def test_a_node_without_the_folder_stays_where_it_is(parcel: Parcel, tmp_path: Path) -> None:
    (tmp_path / "driver" / "data.txt").unlink()
    (tmp_path / "driver").rmdir()
    parcel.unpack()
    assert Path(os.getcwd()) == tmp_path / "worker"
