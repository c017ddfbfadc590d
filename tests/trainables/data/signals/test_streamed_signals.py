"""Signals that stay on the disk are those in memory, to the last bit."""

from __future__ import annotations

import io
import wave
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import pytest
import torch
from pyarrow import parquet

import search_spaces
from trainables.data.objects import keep
from trainables.data.signals import SignalSettings, described_signals, load_signals, loading, spilling
from trainables.data.streaming import MappedRows, memory
from trainables.errors import DataError, TrainableError
from trainables.tasks.learner import Learner
from trainables.training.fetching import fetched

CPU = torch.device("cpu")
COUNT = 40
RNG = np.random.default_rng(0)
WAVES = RNG.normal(size=(COUNT, 2, 60))
CLASSES = np.arange(COUNT) % 2
SPEAKERS = np.arange(COUNT) // 8


def sound(row: int) -> bytes:
    """A WAV file, whose length differs."""
    samples = RNG.integers(-3000, 3000, 50 + row % 7, dtype=np.int16)
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(samples.tobytes())
    return buffer.getvalue()


def written(folder: Path, kind: str) -> str:
    """Signals of several kinds."""
    if kind == "folder":
        for row in range(COUNT):
            place = folder / "sounds" / "ab"[row % 2]
            place.mkdir(parents=True, exist_ok=True)
            (place / f"{row}.wav").write_bytes(sound(row))
        return str(folder / "sounds")
    if kind == "rows":
        cells = {"audio": [sound(row) for row in range(COUNT)], "label": CLASSES, "speaker": SPEAKERS}
        parquet.write_table(pyarrow.table(cells), folder / "a.parquet")
        return str(folder / "a.parquet")
    values = WAVES.astype(np.float32) if kind == "floats" else (WAVES * 999).astype(np.int16)
    x: Any = WAVES if kind == "doubles" else values
    np.savez(folder / "a.npz", x=x, y=CLASSES / 7 if kind == "doubles" else CLASSES, speaker=SPEAKERS)
    return str(folder / "a.npz")


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spilling, "_LARGEST", 500)


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("integers", {}),
        ("floats", {"length": 50}),
        ("doubles", {}),
        ("folder", {}),
        ("rows", {"validation_groups": "speaker"}),
        ("integers", {"folds": 2, "fold": 1}),
        ("floats", {"whole": True, "length": 70}),
    ],
)
def test_signals_on_the_disk_are_those_in_memory(tmp_path: Path, kind: str, settings: Any) -> None:
    path = written(tmp_path, kind)
    inside, streamed = (
        load_signals(SignalSettings(data=path, stream=stream, **settings), CPU) for stream in (False, True)
    )
    assert isinstance(streamed.train, type(inside.train))
    assert isinstance(streamed.train.waves, MappedRows)
    for name in ("train", "validation", "test"):
        one, other = getattr(inside, name), getattr(streamed, name)
        assert len(one) == len(other)
        rows = torch.randperm(len(one), generator=torch.Generator().manual_seed(0))
        assert all(map(torch.equal, one.rows(rows), other.rows(rows)))
        with fetched(other, rows.split(7)) as coming:
            for numbers, found in zip(rows.split(7), coming, strict=True):
                assert all(map(torch.equal, one.rows(numbers), found))
    for name in ("mean", "std", "target_mean", "target_std"):
        assert torch.equal(getattr(inside, name), getattr(streamed, name))
    assert inside.arguments() == streamed.arguments()
    said, told = (described_signals(SignalSettings(data=path, stream=stream, **settings)) for stream in (False, True))
    assert sorted(told) == sorted([*said, "streamed: 2 threads read them while the network trains"])


def test_statistics_of_many_signals_are_computed_a_part_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path, "floats")
    whole = load_signals(SignalSettings(data=path), CPU)
    monkeypatch.setattr(loading, "_MANY", 100)
    for stream in (False, True):
        parted = load_signals(SignalSettings(data=path, stream=stream, test_share=0.2000001), CPU)
        assert torch.allclose(whole.mean, parted.mean, atol=1e-7)
        assert torch.allclose(whole.std, parted.std, rtol=1e-6)


@pytest.mark.slow
def test_a_training_has_the_numbers_of_one_in_memory(tmp_path: Path) -> None:
    space = search_spaces.get("chain1d", depths=(1, 1), widths=(8,))
    path, found = written(tmp_path, "folder"), []
    for stream in (False, True):
        learner = Learner(
            task="signal", data=path, space="chain1d", device="cpu", batch_size=8, stream=stream, loaders=1
        )
        learner.setup(space.sample(0), seed=0, max_epochs=1)
        scores = [one.scores for one in learner.task.controls()]
        found.append((learner.step(), learner.evaluate("test"), scores, learner.task.identity()))
    assert found[0] == found[1]


def test_what_would_take_too_much_memory_stays_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, "floats")
    size = Path(path).stat().st_size
    for free, on_disk in ((4 * size, False), (4 * size - 9, True)):
        monkeypatch.setattr(memory, "free_memory", lambda free=free: free)
        for cached in (loading._load, loading._read):
            cached.cache_clear()
        data = load_signals(SignalSettings(data=path), CPU)
        assert isinstance(data.train.waves, MappedRows) == on_disk
        assert ("since the signals would take" in " ".join(data.notes)) == on_disk


def test_a_data_set_of_signals_is_streamed_too() -> None:
    class Signals(torch.utils.data.Dataset[Any]):
        def __len__(self) -> int:
            return COUNT

        def __getitem__(self, row: int) -> Any:
            return WAVES[row].astype(np.float32), int(CLASSES[row])

    kept = [keep(Signals(), task="signal", stream=stream).data for stream in (False, True)]
    assert kept[0] == kept[1]
    assert isinstance(load_signals(SignalSettings(data=kept[0], stream=True), CPU).train.waves, MappedRows)


def test_signals_by_columns_and_settings_that_cannot_be_are_refused(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "a.npz", x=WAVES, y=CLASSES)
    assert isinstance(
        load_signals(SignalSettings(data=str(tmp_path / "a.npz"), stream=True), CPU).train.waves, MappedRows
    )
    np.savez(tmp_path / "a.npz", x=np.asfortranarray(WAVES), y=CLASSES)
    with pytest.raises(DataError, match="x is in the order of Fortran"):
        load_signals(SignalSettings(data=str(tmp_path / "a.npz"), stream=True), CPU)
    for settings in ({"stream": 1}, {"loaders": 0}):
        with pytest.raises(TrainableError, match=next(iter(settings))):
            SignalSettings(data="x", **settings)  # type: ignore[arg-type]
