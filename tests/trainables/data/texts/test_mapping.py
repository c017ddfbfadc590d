"""Texts whose tokens stay on the disk are those in memory, to the last bit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import search_spaces
from trainables import kept_data
from trainables.data.objects import keep
from trainables.data.streaming import memory
from trainables.data.texts import (
    TextSettings,
    described_text,
    load_text,
    loading,
    pieces,
    reading,
    text_checksum,
)
from trainables.errors import DataError
from trainables.tasks.language_control import ngrams
from trainables.tasks.learner import Learner

CPU = torch.device("cpu")
PLAY = (
    "".join(chr(97 + number % 7) + "é€😀"[number % 3] * (number % 11 == 0) for number in range(3000))
    + "\n"
    + "xyz" * 99
)


@pytest.fixture(autouse=True)
def short_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pieces, "_TOKENS", 257)
    monkeypatch.setattr(reading, "_READ", 101)


@pytest.fixture
def of_no_run(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_places", "_own"):
        monkeypatch.setattr(kept_data, name, [])
    monkeypatch.setattr(kept_data, "_beside", {})


def written(folder: Path, kind: str) -> Path:
    """Texts of several kinds."""
    folder.mkdir(exist_ok=True)
    if kind == "ids":
        np.save(folder / "a.npy", (np.arange(4000) ** 2 % 701).astype(np.uint16))
        return folder / "a.npy"
    if kind == "parts":
        for part in ("train", "validation", "test"):
            (folder / f"{part}.txt").write_text(PLAY[: 900 if part == "train" else 300], encoding="utf-8")
        (folder / "train2").mkdir(exist_ok=True)
        (folder / "train" / "b.txt").parent.mkdir(exist_ok=True)
        (folder / "train" / "b.txt").write_text("more of it " * 40, encoding="utf-8")
        (folder / "train2").rmdir()
        return folder
    (folder / "a.txt").write_text(PLAY, encoding="utf-8")
    return folder / "a.txt"


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("characters", {}),
        ("characters", {"whole": True}),
        ("bytes", {"tokens": "bytes"}),
        ("ids", {"vocabulary": 800}),
        ("parts", {}),
        ("parts", {"whole": True}),
    ],
)
def test_examples_on_the_disk_are_those_in_memory(tmp_path: Path, kind: str, settings: Any) -> None:
    path = str(written(tmp_path / "text", kind))
    inside, streamed = (
        load_text(TextSettings(data=path, context=8, stream=stream, **settings), CPU) for stream in (False, True)
    )
    assert inside.vocabulary == streamed.vocabulary
    assert (inside.epoch_tokens, inside.device) == (streamed.epoch_tokens, streamed.device)
    for name in ("train", "validation", "test"):
        one, other = getattr(inside, name), getattr(streamed, name)
        assert (len(one), len(one.tokens)) == (len(other), len(other.tokens))
        rows = torch.randperm(len(one), generator=torch.Generator().manual_seed(0))
        assert all(map(torch.equal, one.rows(rows), other.rows(rows)))
    said, told = (
        described_text(TextSettings(data=path, context=8, stream=stream, **settings)) for stream in (False, True)
    )
    assert told == [*said, "streamed: examples are read from the disk while the network trains"]
    assert len({text_checksum(TextSettings(data=path, stream=stream, **settings)) for stream in (False, True)}) == 1


@pytest.mark.slow
def test_a_training_and_its_controls_have_the_numbers_of_a_text_in_memory(tmp_path: Path) -> None:
    path = str(written(tmp_path / "text", "characters"))
    space = search_spaces.get("transformer_lm", embeddings=(16,), depths=(1, 1))
    found = []
    for stream in (False, True):
        settings = {"task": "language", "data": path, "context": 8, "epoch_tokens": 400, "space": "transformer_lm"}
        learner = Learner(**settings, stream=stream)  # type: ignore[arg-type]
        learner.setup(space.sample(0), seed=0, max_epochs=1)
        found.append((learner.step(), learner.evaluate("test"), [one.scores for one in learner.task.controls()]))
    assert found[0] == found[1]


def test_what_would_take_too_much_memory_stays_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path / "text", "characters")
    needed = 4 * path.stat().st_size
    for free, on_disk in ((4 * needed, False), (4 * needed - 9, True)):
        monkeypatch.setattr(memory, "free_memory", lambda free=free: free)
        loading._load.cache_clear()
        data = load_text(TextSettings(data=str(path)), CPU)
        assert (data.train.tokens.dtype == torch.uint8) == on_disk
        assert ("since the tokens would take" in " ".join(data.notes)) == on_disk
    assert load_text(TextSettings(data=PLAY, stream=True), CPU).train.tokens.dtype == torch.int32


def test_the_other_processes_of_a_run_number_no_token(
    tmp_path: Path, of_no_run: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []

    def noted(settings: TextSettings, **how: Any) -> Any:
        read.append(str(settings.data))
        return reading.read_text_parts(settings, **how)

    monkeypatch.setattr(loading, "read_text_parts", noted)
    path, run = str(written(tmp_path / "text", "characters")), tmp_path / "run"
    run.mkdir()

    def loaded(context: int = 8) -> Any:
        loading._load.cache_clear()
        loading._read.cache_clear()
        return load_text(TextSettings(data=path, stream=True, context=context), CPU)

    first = loaded()
    kept_data.bring(path, run)
    assert sorted(file.suffix for file in (run / "data").iterdir()) == [".npy", ".npy", ".npy", ".text"]
    kept_data._own.clear()
    kept_data._places[:] = [run]
    again = loaded(16)
    assert read == [path]
    assert torch.equal(first.train.tokens, again.train.tokens)
    assert first.notes == again.notes
    for file in (run / "data").iterdir():
        whole = file.read_bytes()
        file.write_bytes(whole[: len(whole) // 2])
        assert torch.equal(loaded().test.tokens, first.test.tokens)
        kept_data._own.clear()
        file.write_bytes(whole)
    assert read == [path] * 5


def test_arrays_of_ids_that_a_run_keeps_are_told_apart() -> None:
    for start in (0, 5):
        kept = keep(np.arange(300) % 9 + start, task="language").data
        data = load_text(TextSettings(data=kept, context=8, stream=True), CPU)
        assert data.train.tokens[:2].tolist() == [start, start + 1]


def test_damaged_texts_are_refused_as_in_memory(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    for content in (b"abc" * 99 + "é".encode()[:1] + b"abc" * 50, b"abc" * 99 + "é".encode()[:1]):
        path.write_bytes(content)
        said = []
        for stream in (False, True):
            with pytest.raises(DataError, match=r"byte 297 is 0xc3 .* give its encoding") as error:
                load_text(TextSettings(data=str(path), stream=stream), CPU)
            said.append(str(error.value))
        assert said[0] == said[1]
    ids = np.arange(900)
    ids[700] = -1
    np.save(tmp_path / "a.npy", ids)
    for stream in (False, True):
        with pytest.raises(DataError, match=r"token 700 is -1"):
            load_text(TextSettings(data=str(tmp_path / "a.npy"), stream=stream), CPU)
    ids[700] = 9
    np.save(tmp_path / "a.npy", ids)
    for stream in (False, True):
        with pytest.raises(DataError, match=r"train: token 300 is 300, beyond the vocabulary of 300"):
            load_text(TextSettings(data=str(tmp_path / "a.npy"), vocabulary=300, stream=stream), CPU)


def test_controls_do_not_depend_on_the_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    data = load_text(TextSettings(data=PLAY, context=8), CPU)
    by_pieces = ngrams(data, lambda nats: {"loss": nats})
    monkeypatch.setattr(pieces, "_TOKENS", 2**22)
    for one, other in zip(by_pieces, ngrams(data, lambda nats: {"loss": nats}), strict=True):
        for part, scores in one.scores.items():
            assert scores["loss"] == pytest.approx(other.scores[part]["loss"], rel=1e-12)
