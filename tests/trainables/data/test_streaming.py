"""Images that are decoded while a network trains: the same numbers as those of images in memory, and no thread left."""

from __future__ import annotations

import io
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import pytest
import torch
from PIL import Image
from pyarrow import parquet
from safetensors.torch import save_file

import nas_tune
import search_spaces
from trainables import kept_data
from trainables.data import DataSettings, described_images, file_sizes, load_images, load_raw, reading
from trainables.data.images import Split
from trainables.data.streaming import StreamedImages, free_memory, memory
from trainables.data.streaming.ahead import prepared_ahead
from trainables.data.streaming.facts import facts_of
from trainables.errors import DataError, OutOfTime, TrainableError
from trainables.registry import adapt
from trainables.supernet.trainable import DartsTrainable
from trainables.tasks.learner import Learner
from trainables.training.fetching import fetched
from trainables.trial.deadline import until
from trainables.trial.repeated import Repeated

CELL = search_spaces.get("nb201").sample(0)
CPU = torch.device("cpu")
COUNT = 48


def picture(row: int, *, grey: bool = False) -> Image.Image:
    pixels = np.random.default_rng(row).integers(0, 256, (9, 8, 3), dtype=np.uint8) // (1 + row % 2)
    return Image.fromarray(pixels[..., 0] if grey else pixels)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two classes, whose images have other brightness; one in grey among those in colour."""
    for row in range(COUNT):
        place = tmp_path / "photos" / "ab"[row % 2]
        place.mkdir(parents=True, exist_ok=True)
        picture(row, grey=row == 3).save(place / f"{row}.png")
    return tmp_path / "photos"


def rows_of(split: Split) -> tuple[torch.Tensor, torch.Tensor]:
    return split.rows(torch.arange(len(split)))


def loaders_left() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("loader")]


@pytest.mark.parametrize(
    "settings",
    [{}, {"resize": 6}, {"whole": True}, {"folds": 3, "fold": 1}, {"seed": 3, "validation_share": 0.4}, {"loaders": 1}],
)
def test_streamed_images_are_those_in_memory_to_the_last_bit(folder: Path, settings: Any) -> None:
    inside, streamed = (
        load_images(DataSettings(str(folder), stream=stream, **settings), CPU) for stream in (False, True)
    )
    assert isinstance(streamed.train.images, StreamedImages)
    for name in ("train", "validation", "test"):
        one, other = getattr(inside, name), getattr(streamed, name)
        assert all(map(torch.equal, rows_of(one), rows_of(other)))
    assert torch.equal(inside.mean, streamed.mean)
    assert torch.equal(inside.std, streamed.std)
    assert torch.equal(inside.example(), streamed.example())
    assert inside.arguments() == streamed.arguments()
    raw, other = (load_raw(DataSettings(str(folder), stream=stream, **settings)) for stream in (False, True))
    assert raw.checksum() == other.checksum()


# What images are like is found once for all processes of a run


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The number of images that each pass over all of them reads, of a process without a run."""
    found: list[int] = []

    def counted(encoded: Any, **how: Any) -> Any:
        found.append(len(encoded))
        return facts_of(encoded, **how)

    monkeypatch.setattr(kept_data, "_places", [])
    monkeypatch.setattr(kept_data, "_own", [])
    monkeypatch.setattr(kept_data, "_beside", {})
    monkeypatch.setattr("trainables.data.streaming.kept_facts.facts_of", counted)
    reading._load_raw.cache_clear()
    return found


def another_process(*places: Path) -> None:
    kept_data._own.clear()
    kept_data._places[:] = places
    kept_data._beside.clear()
    reading._load_raw.cache_clear()


def test_the_other_processes_of_a_run_read_no_image_to_know_all(folder: Path, tmp_path: Path, reads: list[int]) -> None:
    settings = DataSettings(str(folder), stream=True)
    run = tmp_path / "run"
    run.mkdir()
    first = load_raw(settings)
    kept_data.bring("elsewhere", run)
    assert not list(run.iterdir())
    kept_data.bring(str(folder), run)
    another_process(run)
    second = load_raw(settings)
    assert reads == [COUNT]
    one, other = (raw.train.images.facts for raw in (first, second))  # type: ignore[union-attr]
    for name in ("shape", "depth", "turned", "with_alpha", "digests"):
        assert getattr(one, name) == getattr(other, name)
    for name in ("totals", "extremes", "finite"):
        assert torch.equal(getattr(one, name), getattr(other, name))
    another_process()
    load_raw(settings)
    another_process(run)
    load_raw(DataSettings(str(folder), stream=True, resize=6))
    picture(99).save(folder / "a" / "0.png")
    another_process(run)
    load_raw(settings)
    assert reads == [COUNT] * 4


def test_a_file_of_facts_that_is_damaged_or_of_other_images_is_ignored(
    folder: Path, tmp_path: Path, reads: list[int]
) -> None:
    settings, run = DataSettings(str(folder), stream=True), tmp_path / "run"
    (run / "data").mkdir(parents=True)
    load_raw(settings)
    kept_data.bring(str(folder), run)
    (file,) = (run / "data").iterdir()
    whole = file.read_bytes()
    another = {"totals": torch.zeros(2, 3, 3), "extremes": torch.zeros(2, 3), "finite": torch.ones(3) > 0}
    save_file({**another, "digests": torch.zeros(3, 16)}, tmp_path / "other", {"facts": whole[8:200].hex()})
    for content in (b"", whole[:-5], whole[:40], (tmp_path / "other").read_bytes()):
        file.write_bytes(content)
        another_process(run)
        load_raw(settings)
    assert reads == [COUNT] * 5
    file.write_bytes(whole)
    another_process(run)
    load_raw(settings)
    assert reads == [COUNT] * 5


@pytest.mark.slow
def test_a_search_keeps_what_its_images_are_like_for_what_comes_later(
    folder: Path, tmp_path: Path, reads: list[int]
) -> None:
    small = {"name": "learner", "channels": 2, "cells": 1, "device": "cpu", "batch_size": 8}
    task = {"name": "classification", "data": str(folder), "stream": True}
    usual: dict[str, Any] = {"max_trials": 1, "max_epochs": 1, "executor": "inline", "strategy": "random"}
    run = nas_tune.search("nb201", task=task, trainable=small, run_dir=tmp_path / "run", **usual)
    assert [file.suffix for file in (run.path / "data").iterdir()] == [".facts"]
    another_process()
    nas_tune.resume(run.path, max_trials=2)
    nas_tune.evaluate(run)
    assert reads == [COUNT]


def test_batches_come_in_order_with_their_labels(folder: Path) -> None:
    inside, streamed = (load_images(DataSettings(str(folder), stream=stream), CPU).train for stream in (False, True))
    batches = torch.randperm(len(inside), generator=torch.Generator().manual_seed(0)).split(7)
    with fetched(streamed, batches) as coming:
        found = list(coming)
    for rows, (images, labels) in zip(batches, found, strict=True):
        wanted = inside.rows(rows)
        assert torch.equal(images, wanted[0])
        assert torch.equal(labels, wanted[1])
    assert len(streamed.rows(torch.arange(0))[0]) == 0


def test_deep_images_and_images_of_little_contrast_have_the_same_statistics(tmp_path: Path) -> None:
    for row in range(12):
        for place, pixels in (
            ("deep", np.random.default_rng(row).integers(0, 2**16, (5, 5), dtype=np.uint16)),
            ("pale", np.full((5, 5), 250, np.uint8) + np.uint8(row % 3)),
        ):
            (tmp_path / place / "ab"[row % 2]).mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(tmp_path / place / "ab"[row % 2] / f"{row}.png")
    for place in ("deep", "pale"):
        one, other = (load_images(DataSettings(str(tmp_path / place), stream=stream), CPU) for stream in (False, True))
        assert torch.equal(one.mean, other.mean)
        assert torch.equal(one.std, other.std)
        assert one.train.images.dtype == other.train.images.dtype


def test_parquet_files_with_given_parts_stream_too(tmp_path: Path) -> None:
    for part, start in (("train", 0), ("validation", 20), ("test", 30)):
        cells = []
        for row in range(start, start + 10):
            buffer = io.BytesIO()
            picture(row).save(buffer, "JPEG")
            cells.append({"bytes": buffer.getvalue(), "path": None})
        labels = [row % 2 for row in range(10)]
        parquet.write_table(pyarrow.table({"image": cells, "label": labels}), tmp_path / f"{part}.parquet")
    for whole in (False, True):
        one, other = (load_images(DataSettings(str(tmp_path), stream=s, whole=whole), CPU) for s in (False, True))
        assert all(map(torch.equal, rows_of(one.train), rows_of(other.train)))
        assert torch.equal(one.mean, other.mean)


def test_the_description_is_that_of_images_in_memory_with_the_reason(folder: Path) -> None:
    picture(0).save(folder / "b" / "copy.png")
    Image.new("L", (8, 9), 7).save(folder / "a" / "flat.png")
    inside, streamed = (described_images(DataSettings(str(folder), stream=stream)) for stream in (False, True))
    assert streamed[0] == f"{inside[0]}; streamed: 2 threads decode them while the network trains"
    assert streamed[1:] == inside[1:]
    assert any("1 of 50 images have one value" in note for note in streamed)


def test_what_would_take_too_much_memory_is_streamed_and_said(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert free_memory() > 2**20
    assert not isinstance(load_images(DataSettings(str(folder)), CPU).train.images, StreamedImages)
    monkeypatch.setattr(memory, "free_memory", lambda: COUNT * 6 * 6 * 3 * 4)
    fits, not_quite = (load_raw(DataSettings(str(folder), resize=resize)) for resize in (6, 7))
    assert (isinstance(fits.train.images, StreamedImages), fits.notes) == (False, ())
    assert isinstance(not_quite.train.images, StreamedImages)
    assert "decoded they would take 0.0 MiB and 0.0 MiB of memory are free" in not_quite.notes[-1]


def test_files_that_are_read_whole_are_refused_where_they_would_fill_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    np.savez(tmp_path / "a.npz", x=np.zeros((9, 4, 4), np.uint8), y=np.arange(9) % 3)
    table = pyarrow.table({"image": [b"x" * 2000], "label": [0]})
    parquet.write_table(table, tmp_path / "b.parquet", compression="none")
    monkeypatch.setattr(file_sizes, "free_memory", lambda: 400)
    for name, what in (("a.npz", "the arrays of"), ("b.parquet", "the Parquet files of")):
        with pytest.raises(
            DataError, match=rf"{what} .* read whole, and 0\.0 GiB .* folder with one sub-folder per class"
        ):
            load_raw(DataSettings(str(tmp_path / name)))


@pytest.mark.parametrize(("settings", "message"), [({"stream": 1}, "stream is 1"), ({"loaders": 0}, "loaders is 0")])
def test_settings_that_cannot_be_are_refused(settings: Any, message: str) -> None:
    with pytest.raises(TrainableError, match=message):
        DataSettings("x", **settings)


def test_damaged_files_and_files_that_change_are_refused(folder: Path) -> None:
    settings = DataSettings(str(folder), stream=True)
    data = load_images(settings, CPU)
    rows = torch.arange(len(data.train))
    file = Path(str(data.train.images.encoded[int(data.train.images.numbers[5])][0]))  # type: ignore[union-attr]
    Image.new("RGB", (4, 4)).save(file)
    with pytest.raises(DataError, match=f"{file.name} has changed while it was used"):
        data.train.rows(rows)
    file.write_bytes(b"no image")
    with pytest.raises(DataError, match=f"{file.name} is not a complete image"):
        data.train.rows(rows)
    with pytest.raises(DataError, match="is not a complete image"):
        load_raw(DataSettings(str(folder), stream=True, loaders=3))
    assert loaders_left() == []


def test_threads_work_ahead_and_end_with_the_iterator() -> None:
    begun: list[int] = []

    def prepare(numbers: Any) -> list[int]:
        begun.extend(numbers)
        return list(numbers)

    coming = prepared_ahead(prepare, [[0, 1, 2], [3], [], [4, 5], [6], [7]], 2)
    assert next(coming) == [[0, 1], [2]]
    time.sleep(0.05)
    assert sorted(begun) == [0, 1, 2, 3]
    assert len(loaders_left()) == 2
    coming.close()  # type: ignore[attr-defined]
    assert loaders_left() == []
    assert list(prepared_ahead(prepare, [], 2)) == []


def learner(folder: Path, **settings: Any) -> Learner:
    small = {"task": "classification", "space": "nb201", "channels": 2, "cells": 1, "device": "cpu", "batch_size": 8}
    made = Learner(**{"data": str(folder), **small, **settings})
    made.setup(CELL, seed=0, max_epochs=3)
    return made


@pytest.mark.slow
def test_a_training_has_the_numbers_of_one_in_memory_and_continues_from_it(folder: Path, tmp_path: Path) -> None:
    inside, streamed = learner(folder, stream=False), learner(folder, stream=True, loaders=3)
    assert inside.step() == streamed.step()
    inside.save(tmp_path)
    wanted = inside.step()
    again = learner(folder, stream=True)
    again.load(tmp_path)
    assert again.step() == streamed.step() == wanted
    assert inside.evaluate("test") == streamed.evaluate("test")
    assert inside.data_checksum() == streamed.data_checksum()
    assert loaders_left() == []


@pytest.mark.slow
def test_each_fold_is_trained_on_streamed_images_and_all_of_them_share_the_files(folder: Path, tmp_path: Path) -> None:
    small = {"task": "classification", "space": "nb201", "channels": 2, "cells": 1, "device": "cpu", "batch_size": 8}

    def made(stream: bool) -> Repeated:
        found = adapt("learner", {**small, "data": str(folder), "folds": 3, "stream": stream})
        assert isinstance(found, Repeated)
        found.setup(CELL, seed=0, max_epochs=2)
        return found

    inside, streamed = made(stream=False), made(stream=True)
    assert inside.step() == streamed.step()
    parts = [training.data.train.images for training in streamed.trainings]  # type: ignore[attr-defined]
    assert all(isinstance(images, StreamedImages) for images in parts)
    assert len({id(images.encoded) for images in parts}) == len({id(images.facts) for images in parts}) == 1
    streamed.save(tmp_path)
    wanted = streamed.step()
    again = made(stream=True)
    again.load(tmp_path)
    assert again.step() == inside.step() == wanted
    assert loaders_left() == []


@pytest.mark.slow
def test_a_deadline_leaves_no_thread(folder: Path) -> None:
    made = learner(folder, stream=True)
    with pytest.raises(OutOfTime), until(time.monotonic()):
        made.step()
    assert loaders_left() == []


@pytest.mark.slow
def test_numbers_of_folders_are_learned_from_streamed_images(folder: Path) -> None:
    for one, number in (("a", "0.5"), ("b", "2")):
        (folder / one).rename(folder / number)
    steps = [learner(folder, task="regression", stream=stream).step() for stream in (False, True)]
    assert steps[0] == steps[1]


@pytest.mark.slow
def test_a_supernet_searches_on_streamed_images(folder: Path, tmp_path: Path) -> None:
    def searched(stream: bool) -> DartsTrainable:
        return DartsTrainable(
            data=str(folder), space="nb201", channels=2, cells=1, device="cpu", batch_size=8, stream=stream
        )

    made = [searched(stream) for stream in (False, True)]
    for one in made:
        one.setup(search_spaces.Architecture({}), seed=0, max_epochs=2)
    first = [one.step() for one in made]
    assert first[0] == first[1]
    made[1].save(tmp_path)
    again = searched(stream=False)
    again.setup(search_spaces.Architecture({}), seed=0, max_epochs=2)
    again.load(tmp_path)
    assert again.step() == made[1].step()
