"""Trainings of single architectures, each kept in a file, so that none is done twice.

A file is named by a digest of all that decides the training: settings, architecture, seed, epochs and the checksum of
the data. It is written whole or not at all, so that a process that is killed loses the training that it was at, and two
processes may share a folder. Reading one runs no code.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from nas_tune.benchmarks.ranking.scoring import Progress, Score
from nas_tune.benchmarks.ranking.truths import Sample
from nas_tune.config.names import check_local
from nas_tune.errors import RunFolderError
from search_spaces import Architecture
from trainables.drafts import draft_file
from trainables.errors import DivergedError
from trainables.tasks.learner import Learner

__all__ = ["Trained", "Trainings", "sample_of", "trained_scores"]

_SHORT = 4
"""The part of a training whose value stands beside the true one: a quarter of the epochs."""


@dataclass(frozen=True)
class Trained:
    """The result of one training, by the primary metric of the task.

    Attributes:
        values: on the validation examples after each epoch; fewer than there are epochs where the training diverged.
        final: on the test examples after the last epoch, or on the validation examples where there are none for
            testing; NaN where the training diverged.
        split: "test" or "validation", the examples of `final`.
        seconds: of CPU time.
    """

    values: tuple[float, ...]
    final: float
    split: str
    seconds: float


class Trainings:
    """Trains architectures, or reads what was trained before.

    Args:
        learner: trains.
        folder: of the files; made when the first one is written.
        epochs: of a training; 0 trains nothing.
        seed: of a training.

    Raises:
        ConfigError: the folder is a URL.
    """

    def __init__(self, learner: Learner, folder: str | os.PathLike[str], *, epochs: int, seed: int) -> None:
        check_local(folder, "keep")
        self._learner, self._folder = learner, Path(folder).expanduser()
        self.epochs, self.metric = epochs, learner.task.primary
        self._seed = seed

    @cached_property
    def _checksum(self) -> str:
        return self._learner.data_checksum()

    def result(self, architecture: Architecture) -> Trained:
        """Train an architecture, unless it was trained before.

        Args:
            architecture: a member of the space.

        Returns:
            The result.

        Raises:
            RunFolderError: the result cannot be written.
        """
        file = self._folder / f"{self._key(architecture)}.json"
        known = _read(file)
        if known is not None:
            return known
        made = self._train(architecture)
        kept = {
            "architecture": architecture.tree,
            "epochs": self.epochs,
            "seed": self._seed,
            "values": made.values,
            "final": None if math.isnan(made.final) else made.final,
            "split": made.split,
            "seconds": made.seconds,
        }
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with draft_file(file) as draft:
                draft.write_text(json.dumps(kept, allow_nan=False) + "\n", encoding="utf-8")
        except OSError as error:
            raise RunFolderError(
                f"cannot write the training {file}: {error}; name a folder that can be written (keep, --keep)"
            ) from error
        return made

    def _key(self, architecture: Architecture) -> str:
        identity = self._learner.identity(architecture, seed=self._seed, max_epochs=self.epochs)
        text = json.dumps({**identity, "data": self._checksum}, sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()[:32]

    def _train(self, architecture: Architecture) -> Trained:
        started, primary = time.process_time(), self._learner.task.primary
        self._learner.setup(architecture, seed=self._seed, max_epochs=self.epochs)
        split = "test" if len(self._learner.data.test) else "validation"
        values: list[float] = []
        try:
            for _ in range(self.epochs):
                reported = self._learner.step()
                if primary in reported:
                    values.append(float(reported[primary]))
            final = float(self._learner.evaluate(split)[primary])
        except DivergedError:
            final = math.nan
        return Trained(tuple(values), final, split, time.process_time() - started)


def sample_of(
    trainings: Trainings, architectures: Sequence[Architecture], *, is_max: bool, progress: Progress
) -> Sample:
    """Train architectures, or read their trainings; the final values are the true ones.

    Args:
        trainings: trains.
        architectures: different members of the space.
        is_max: whether more of the primary metric is better.
        progress: wraps the loop.

    Returns:
        The sample, without the architectures whose trainings diverged.
    """
    results = [trainings.result(one) for one in progress(architectures, "trainings")]
    kept = [number for number, one in enumerate(results) if math.isfinite(one.final)]
    truth = np.array([results[number].final for number in kept])
    lost = len(results) - len(kept)
    notes = [f"{lost} architectures are left out, whose trainings diverged"] if lost else []
    if kept:
        best, seconds = truth.max() if is_max else truth.min(), sum(one.seconds for one in results)
        notes.append(
            f"{len(kept)} architectures, trained for {trainings.epochs} epochs in {seconds:.0f} s of CPU; true values: "
            f"{trainings.metric} on the {results[kept[0]].split} examples, the best {best:.4g}"
        )
    return Sample([architectures[number] for number in kept], truth, notes=tuple(notes))


def trained_scores(
    trainings: Trainings, sample: Sample, *, whole: bool, is_max: bool, progress: Progress
) -> list[Score]:
    """Score architectures by real trainings, on the validation examples.

    Args:
        trainings: trains.
        sample: the architectures.
        whole: whether the value after the last epoch counts; else that after a quarter of the epochs.
        is_max: whether more of the primary metric is better.
        progress: wraps the loop.

    Returns:
        One score; none where a training is too short to be parted, or has no value on validation examples.
    """
    epochs = trainings.epochs if whole else trainings.epochs // _SHORT
    if epochs == 0:
        return []
    results = [trainings.result(one) for one in progress(sample.architectures, "trainings")]
    if not any(one.values for one in results):
        return []
    values = [one.values[epochs - 1] if len(one.values) >= epochs else math.nan for one in results]
    name = f"trained_{epochs}" if whole else f"trained_{epochs}_of_{trainings.epochs}"
    seconds = sum(one.seconds for one in results) * epochs / trainings.epochs
    return [Score(name, np.array(values), is_max, seconds)]


def _read(file: Path) -> Trained | None:
    """A result that was kept; None where there is none, or a damaged one, which is then trained again."""
    try:
        kept = json.loads(file.read_bytes())
        final = math.nan if kept["final"] is None else float(kept["final"])
        return Trained(tuple(map(float, kept["values"])), final, str(kept["split"]), float(kept["seconds"]))
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
