"""Several trainings of one architecture as one trial: with several seeds, on several folds of the data, or both.

    Repeated([Learner(**settings) for _ in range(3)])

An epoch is one epoch of each training. A metric is the mean over the trainings; `<metric>_spread` beside it is their
sample standard deviation (n - 1 in the denominator). Costs and the learning rate are those of the first training. The
seed of the first training is that of the trial, so that it gives the numbers of a trial without repeats; the others
have seeds derived from it.

All networks are in memory at the same time, and a checkpoint holds all trainings. If one fails, the trial fails.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from trainables.errors import CheckpointError, TrainableError
from trainables.metrics import COSTS, Mode
from trainables.protocol import Checking, Describing, Sharing, Telling, Trainable, has_checkpoints, is_parallel
from trainables.trial.reports import reported_numbers

if TYPE_CHECKING:
    from search_spaces.architecture import Architecture
    from trainables.training.parallel import Group

__all__ = ["SPREAD", "Repeated", "one_of", "seed_of"]

SPREAD = "_spread"
"""What the names of sample standard deviations over the trainings of a trial end with."""

_OF_ONE = frozenset({*COSTS, "model_bytes", "lr", "epoch"})
"""Values that are those of the first training."""
_FILE = "repeated"


class Repeated:
    """Trains one architecture several times, an epoch of each training at a time.

    Args:
        trainings: trainables of one class, which were not set up yet; two or more.
        repeats: the number of seeds, for texts; the trainings are so many for each fold.
    """

    def __init__(self, trainings: Sequence[Trainable], *, repeats: int) -> None:
        if len(trainings) < 2:
            raise TrainableError(f"{len(trainings)} training is given; several are repeated, so give two or more")
        self.trainings, self._repeats = list(trainings), repeats
        self._reports: Sequence[Mapping[str, float]] = []
        self._lacking: set[str] = set()
        self._notes: list[str] = []

    @property
    def checkpoints(self) -> bool:
        """Whether the trainings can be saved."""
        return all(map(has_checkpoints, self.trainings))

    @property
    def parallel(self) -> bool:
        """Whether several processes can train them together."""
        return all(map(is_parallel, self.trainings))

    @property
    def words(self) -> str:
        """How many trainings there are and what differs between them, such as "3 seeds"."""
        folds = len(self.trainings) // self._repeats
        seeds = f"{self._repeats} seeds" if self._repeats > 1 else ""
        return " x ".join(filter(None, (seeds, f"{folds} folds" if folds > 1 else "")))

    def join(self, group: Group) -> None:
        """Let each training join a group.

        Args:
            group: the processes that train together.
        """
        for training in self.trainings:
            if is_parallel(training):
                training.join(group)

    def load_shared(self) -> object:
        """Read what the trainings share, where they share something.

        Returns:
            What the first training reads; None where it reads nothing.
        """
        first = self.trainings[0]
        return first.load_shared() if isinstance(first, Sharing) else None

    def take_shared(self, shared: object) -> None:
        """Let each training use what another process has read.

        Args:
            shared: the result of `load_shared`.
        """
        for training in self.trainings:
            if isinstance(training, Sharing):
                training.take_shared(shared)

    def check(self) -> None:
        """Run the check of the first training, if it has one."""
        if isinstance(self.trainings[0], Checking):
            self.trainings[0].check()

    def about(self) -> Sequence[str]:
        """Collect the texts of the first training, and how often each architecture is trained.

        Returns:
            The texts.
        """
        first = self.trainings[0]
        of_first = list(first.about()) if isinstance(first, Describing) else []
        times = f"each trial trains its architecture {len(self.trainings)} times: {self.words}"
        if len(self.trainings) > self._repeats:
            times += "; what is said of the parts is of the first fold"
        return [*of_first, times]

    def setup(self, architecture: Architecture, *, seed: int, max_epochs: int) -> None:
        """Begin each training of an architecture.

        Args:
            architecture: the architecture to train.
            seed: of the first training; the seeds of the others derive from it (`seed_of`).
            max_epochs: the length of each training, in epochs.
        """
        self._reports, self._lacking, self._notes = [], set(), []
        for number, training in enumerate(self.trainings):
            training.setup(architecture, seed=seed_of(seed, number), max_epochs=max_epochs)

    def step(self) -> Mapping[str, object]:
        """Train one epoch of each training.

        Returns:
            The mean of each metric, its spread beside it, and the costs of one network.

        Raises:
            EndOfTraining: a training has no further epoch.
            TrainableError: the trainings report different epochs, or a metric has the name of a spread.
        """
        reports = [training.step() for training in self.trainings]
        self._reports = [reported_numbers(report)[0] for report in reports]
        self._note_lacking(reports)
        return self._joined(reports)

    def _note_lacking(self, reports: Sequence[Mapping[str, object]]) -> None:
        """Note each metric that not every training reports; it is left out."""
        for name in dict.fromkeys(name for report in reports for name in report):
            count = sum(name in report for report in reports)
            if count < len(reports) and name not in self._lacking:
                self._lacking.add(name)
                self._notes.append(f"{name} is left out: {count} of {len(reports)} trainings report it")

    def _joined(self, reports: Sequence[Mapping[str, object]]) -> dict[str, object]:
        joined: dict[str, object] = {}
        for name in reports[0]:
            if not all(name in report for report in reports):
                continue
            values = [numbers[name] for numbers in self._reports if name in numbers]
            if len(values) < len(reports):
                # The session says why such a value is not a number.
                bad = next(number for number, numbers in enumerate(self._reports) if name not in numbers)
                joined[name] = reports[bad][name]
            elif name in _OF_ONE:
                joined[name] = self._of_one(name, values)
            else:
                joined[name] = sum(values) / len(values)
                if f"{name}{SPREAD}" in reports[0]:
                    raise TrainableError(
                        f"the training reports {name!r} and {name + SPREAD!r}, which repeats report of it; rename one"
                    )
                joined[f"{name}{SPREAD}"] = _spread(values)
        return joined

    def _of_one(self, name: str, values: Sequence[float]) -> float:
        if name == "epoch" and len(set(values)) > 1:
            raise TrainableError(
                f"the trainings of one trial report the epochs {', '.join(f'{one:g}' for one in values)}; each call of "
                "step() is one epoch, so leave `epoch` out of the report"
            )
        return values[0]

    def notes(self) -> Sequence[str]:
        """Collect the notes of the trainings, each with the number of its training.

        Returns:
            The notes since the last call.
        """
        found, self._notes = self._notes, []
        for number, training in enumerate(self.trainings, 1):
            if isinstance(training, Telling):
                found += [f"training {number} of {len(self.trainings)}: {note}" for note in training.notes()]
        return found

    def best(self, metric: str, mode: Mode) -> int:
        """Find the best training of the last epoch.

        Args:
            metric: a metric that each training reports, such as that of the validation examples.
            mode: whether more ("max") or less ("min") of it is better.

        Returns:
            The number of the training, from 0; 0 where no training has reported a finite value of the metric.
        """
        sign = 1 if mode == "max" else -1
        values = [sign * report.get(metric, math.nan) for report in self._reports]
        known = [number for number, value in enumerate(values) if math.isfinite(value)]
        return max(known, key=lambda number: values[number]) if known else 0

    def report_of(self, number: int) -> Mapping[str, float]:
        """Look up the last report of a training.

        Args:
            number: of the training, from 0.

        Returns:
            Its numbers by name; empty before the first epoch.
        """
        return dict(self._reports[number]) if self._reports else {}

    def save(self, folder: Path) -> None:
        """Write the checkpoint of each training into a folder of its own, and the last reports beside them.

        Args:
            folder: an existing folder.
        """
        for number, training in enumerate(self.trainings):
            _place(folder, number).mkdir()
            training.save(_place(folder, number))
        state = {"trainings": len(self.trainings), "reports": list(self._reports)}
        (folder / f"{_FILE}.json").write_text(json.dumps(state), encoding="utf-8")

    def load(self, folder: Path) -> None:
        """Continue each training from its checkpoint.

        Args:
            folder: what `save` wrote.

        Raises:
            CheckpointError: it holds another number of trainings, or one of them refuses its checkpoint.
        """
        try:
            state = json.loads((folder / f"{_FILE}.json").read_text(encoding="utf-8"))
            count, reports = int(state["trainings"]), [dict(report) for report in state["reports"]]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise CheckpointError(f"{folder} holds no repeated training ({error!r}); give the folder of one") from error
        if count != len(self.trainings):
            raise CheckpointError(
                f"{folder} holds {count} trainings of one architecture, and these are {len(self.trainings)} "
                f"({self.words}); use the settings of that trial, or begin from scratch"
            )
        for number, training in enumerate(self.trainings):
            training.load(_place(folder, number))
        self._reports = reports

    def __repr__(self) -> str:
        return f"Repeated({self.trainings[0]!r}, {self.words})"


def one_of(trainable: Trainable) -> Trainable:
    """Take one training of a trainable, for what all have in common.

    Args:
        trainable: any trainable.

    Returns:
        The first training of a `Repeated`; any other trainable itself.
    """
    return trainable.trainings[0] if isinstance(trainable, Repeated) else trainable


def seed_of(seed: int, number: int) -> int:
    """Derive the seed of a training from that of its trial.

    Args:
        seed: of the trial.
        number: of the training, from 0.

    Returns:
        The seed of the trial for training 0; else a 32-bit number that depends on both.
    """
    if number == 0:
        return seed
    digest = hashlib.sha256(f"{seed} {number}".encode()).digest()
    return int.from_bytes(digest[:4], "big")


def _place(folder: Path, number: int) -> Path:
    return folder / f"training-{number}"


def _spread(values: Sequence[float]) -> float:
    """The sample standard deviation of two or more values; NaN where one is not finite."""
    mean = sum(values) / len(values)
    return math.sqrt(sum((value - mean) * (value - mean) for value in values) / (len(values) - 1))
