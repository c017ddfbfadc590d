"""Trainings are kept by all that decides them, and read back as they were."""

from __future__ import annotations

import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from nas_tune.benchmarks.ranking.trainings import Trainings, sample_of, trained_scores
from nas_tune.benchmarks.ranking.truths import drawn
from nas_tune.errors import ConfigError, RunFolderError
from search_spaces import Architecture
from tests.toys import tiny_space
from trainables.errors import DivergedError

MEMBERS = drawn(tiny_space(), 6, seed=0)


class Counting:
    """A learner whose values count the epochs that all its trainings have had."""

    def __init__(self, lr: float = 0.1, data: str = "a", *, diverges: int = -1, tests: int = 9) -> None:
        self.lr, self.checksum, self.diverges, self.epochs = lr, data, diverges, 0
        self.task = SimpleNamespace(primary="accuracy")
        self.data = SimpleNamespace(test=range(tests))
        self.trained: list[str] = []

    def identity(self, architecture: Architecture, *, seed: int, max_epochs: int) -> dict[str, object]:
        return {"architecture": architecture.tree, "seed": seed, "max_epochs": max_epochs, "lr": self.lr}

    def data_checksum(self) -> str:
        return self.checksum

    def setup(self, architecture: Architecture, *, seed: int, max_epochs: int) -> None:
        self.trained.append(architecture.id)

    def step(self) -> dict[str, float]:
        if len(self.trained) - 1 == self.diverges:
            raise DivergedError("loss is nan")
        self.epochs += 1
        return {"accuracy": float(self.epochs)}

    def evaluate(self, split: str) -> dict[str, float]:
        return {"accuracy": self.epochs + (0.5 if split == "test" else 0)}


def trainings(learner: Counting, folder: Path, epochs: int = 4, seed: int = 0) -> Trainings:
    made: Any = learner
    return Trainings(made, folder, epochs=epochs, seed=seed)


def plain(architectures: Any, what: str) -> Any:
    return architectures


def test_a_second_call_trains_nothing_and_reads_the_same(tmp_path: Path) -> None:
    learner = Counting()
    first = trainings(learner, tmp_path / "kept").result(MEMBERS[0])
    assert (first.values, first.final, first.split) == ((1, 2, 3, 4), 4.5, "test")
    assert trainings(learner, tmp_path / "kept").result(MEMBERS[0]) == first
    assert len(learner.trained) == 1
    trainings(learner, tmp_path / "kept").result(MEMBERS[1])
    assert len(learner.trained) == 2 == len(list((tmp_path / "kept").iterdir()))


@pytest.mark.parametrize(
    "other",
    [(Counting(lr=0.2), {}), (Counting(data="b"), {}), (Counting(), {"epochs": 5}), (Counting(), {"seed": 1})],
)
def test_what_decides_a_training_makes_it_another_one(other: tuple[Counting, dict[str, int]], tmp_path: Path) -> None:
    learner, more = other
    trainings(Counting(), tmp_path).result(MEMBERS[0])
    trainings(learner, tmp_path, **more).result(MEMBERS[0])
    assert len(learner.trained) == 1
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("text", ["{", "[]", '{"values": [1], "final": "x", "split": "test", "seconds": 1}'])
def test_a_damaged_file_is_trained_again(text: str, tmp_path: Path) -> None:
    learner = Counting()
    trainings(learner, tmp_path).result(MEMBERS[0])
    (file,) = tmp_path.iterdir()
    file.write_text(text)
    trainings(learner, tmp_path).result(MEMBERS[0])
    assert len(learner.trained) == 2
    trainings(learner, tmp_path).result(MEMBERS[0])
    assert len(learner.trained) == 2


def test_without_test_examples_those_for_validation_count(tmp_path: Path) -> None:
    found = trainings(Counting(tests=0), tmp_path).result(MEMBERS[0])
    assert (found.final, found.split) == (4, "validation")


def test_what_diverges_has_no_true_value_and_is_not_trained_again(tmp_path: Path) -> None:
    learner = Counting(diverges=1)
    sample = sample_of(trainings(learner, tmp_path), MEMBERS[:3], is_max=True, progress=plain)
    assert sample.truth.tolist() == [4.5, 8.5]
    assert [one.id for one in sample.architectures] == [MEMBERS[0].id, MEMBERS[2].id]
    assert sample.notes[0] == "1 architectures are left out, whose trainings diverged"
    assert "2 architectures, trained for 4 epochs in " in sample.notes[1]
    assert sample.notes[1].endswith("accuracy on the test examples, the best 8.5")
    assert math.isnan(trainings(learner, tmp_path).result(MEMBERS[1]).final)
    assert len(learner.trained) == 3


def test_a_score_is_the_value_after_all_epochs_or_after_a_quarter(tmp_path: Path) -> None:
    made = trainings(Counting(), tmp_path)
    sample = sample_of(made, MEMBERS[:2], is_max=True, progress=plain)
    (quarter,) = trained_scores(made, sample, whole=False, is_max=True, progress=plain)
    assert (quarter.name, quarter.values.tolist()) == ("trained_1_of_4", [1, 5])
    (whole,) = trained_scores(made, sample, whole=True, is_max=True, progress=plain)
    assert (whole.name, whole.values.tolist()) == ("trained_4", [4, 8])
    assert whole.seconds == pytest.approx(4 * quarter.seconds)
    short = trainings(Counting(), tmp_path, epochs=3)
    assert not trained_scores(short, sample, whole=False, is_max=True, progress=plain)
    assert not trained_scores(
        trainings(Counting(), tmp_path, epochs=0), sample, whole=True, is_max=True, progress=plain
    )


def test_where_trainings_cannot_be_kept_it_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RunFolderError, match=r"cannot write the training .* \(keep, --keep\)"):
        trainings(Counting(), tmp_path / "file").result(MEMBERS[0])
    with pytest.raises(ConfigError, match="URL"):
        trainings(Counting(), "s3://bucket/kept")  # type: ignore[arg-type]
