"""The trainable of a retraining: another trainable trains one of a list of architectures, and tests it once.

The tree of a trial has the index of the architecture ("chosen") and the number of the repetition ("repeat"). The seed
is the trial's. The last report has the metrics of the test split too, as `test_<metric>`. A training that ends before
its last epoch is tested at that moment, and reports once more.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from nas_tune.config.references import with_local_modules
from nas_tune.session.trust import target_called
from search_spaces import Space
from trainables.errors import CheckpointError, EndOfTraining, TrainableError
from trainables.metrics import TEST, Metric, declared_metrics
from trainables.networks.evaluation import set_evaluating
from trainables.protocol import Checking, Describing, Evaluating, Telling, Trainable, has_checkpoints, is_parallel
from trainables.registry import TrainableTarget, adapt

if TYPE_CHECKING:
    from search_spaces import Architecture
    from trainables.training.parallel import Group

__all__ = ["Retraining", "reference"]

_FILE, _INNER = "retraining.json", "trained"


class Retraining:
    """Trains the architecture `candidates[chosen]`.

    Args:
        of: the trainable that trains it, by its registered name or as "module:attribute".
        settings: of that trainable.
        space: the spec of the space of the candidates (`Space.to_spec`) as JSON text.
        candidates: each a table with its `tree`; other keys (as in `Candidate`) are for readers.
        origin: facts of the search for readers: its metric and mode, the number of its trials, and the fingerprint of
            the source of `of` (code). The training does not use them.
    """

    metrics_at_end: ClassVar[bool] = True
    target: ClassVar[TrainableTarget | None] = None
    """Replaces `of` in a subclass, where the trainable has no name to import."""

    def __init__(
        self,
        *,
        of: str,
        settings: Mapping[str, Any],
        space: str,
        candidates: Sequence[Mapping[str, Any]],
        origin: Mapping[str, Any] | None = None,
    ) -> None:
        self.inner: Trainable = adapt(type(self).target or target_called(of), settings)
        with_local_modules()
        self._space = Space.from_spec(json.loads(space))
        self._candidates = candidates

    @classmethod
    def metrics_of(cls, settings: Mapping[str, Any]) -> list[Metric]:
        """Declare the metrics of a retraining.

        Args:
            settings: of the retraining.

        Returns:
            What the inner trainable declares; on the test split the metrics have `TEST` before their names.
        """
        return list(declared_metrics(cls.target or target_called(settings["of"]), settings["settings"]))

    @property
    def checkpoints(self) -> bool:
        """Whether the training can be saved."""
        return has_checkpoints(self.inner)

    @property
    def parallel(self) -> bool:
        """Whether several processes can train it together."""
        return is_parallel(self.inner)

    def join(self, group: Group) -> None:
        """Let the inner trainable join a group, if it is parallel.

        Args:
            group: the processes that train together.
        """
        if is_parallel(self.inner):
            self.inner.join(group)

    def check(self) -> None:
        """Run the check of the inner trainable, if it has one."""
        if isinstance(self.inner, Checking):
            self.inner.check()

    def about(self) -> Sequence[str]:
        """Collect the texts of the inner trainable.

        Returns:
            The texts; empty where it has none.
        """
        return self.inner.about() if isinstance(self.inner, Describing) else ()

    def setup(self, architecture: Architecture, *, seed: int, max_epochs: int) -> None:
        """Begin the training of the candidate with the number `architecture["chosen"]`.

        Args:
            architecture: the pair of `chosen` and `repeat`.
            seed: of the training.
            max_epochs: the length of the training, in epochs.

        Raises:
            TrainableError: there is no candidate with that number.
        """
        number = architecture["chosen"]
        if not 0 <= number < len(self._candidates):
            raise TrainableError(f"chosen is {number}; there are {len(self._candidates)} candidates, counted from 0")
        self._epoch, self._epochs, self._ended = 0, max_epochs, False
        member = self._space.validate(self._candidates[number]["tree"])
        self.inner.setup(member, seed=seed, max_epochs=max_epochs)

    def step(self) -> Mapping[str, object]:
        """Train one epoch, and test after the last one.

        Returns:
            The report of the inner trainable, with `test_<metric>` after the last epoch.

        Raises:
            EndOfTraining: the training has ended.
        """
        if self._ended:
            raise EndOfTraining("the training is over: the test came after its last epoch, and it has no further one")
        try:
            report: dict[str, object] = dict(self.inner.step())
        except EndOfTraining:
            if self._epoch == 0 or not isinstance(self.inner, Evaluating):
                raise
            return self._tested({"epoch": self._epoch + 1})
        own = report.get("epoch")
        # The session refuses a report with a wrong epoch.
        self._epoch = int(own) if isinstance(own, int | float) else self._epoch + 1
        return report if self._epoch < self._epochs else self._tested(report)

    def _tested(self, report: dict[str, object]) -> dict[str, object]:
        self._ended = True
        if isinstance(self.inner, Evaluating):
            set_evaluating(self.inner)
            report |= {f"{TEST}{name}": value for name, value in self.inner.evaluate("test").items()}
        return report

    def notes(self) -> Sequence[str]:
        """Collect the notes of the inner trainable.

        Returns:
            The texts; empty where it has none.
        """
        return self.inner.notes() if isinstance(self.inner, Telling) else ()

    def save(self, folder: Path) -> None:
        """Write the state of the inner trainable to a folder inside `folder`, and the epoch beside it.

        Args:
            folder: exists, and is empty.
        """
        (folder / _INNER).mkdir()
        self.inner.save(folder / _INNER)
        (folder / _FILE).write_text(json.dumps({"epoch": self._epoch, "ended": self._ended}), encoding="utf-8")

    def load(self, folder: Path) -> None:
        """Continue from the files of `save`.

        Args:
            folder: of a checkpoint.

        Raises:
            CheckpointError: the folder holds no retraining.
        """
        try:
            state = json.loads((folder / _FILE).read_text(encoding="utf-8"))
            self._epoch, self._ended = int(state["epoch"]), bool(state["ended"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise CheckpointError(f"{folder} holds no retraining ({error!r}); give the folder of one") from error
        self.inner.load(folder / _INNER)


reference = f"{Retraining.__module__}:{Retraining.__qualname__}"
"""The name of `Retraining` in a configuration."""
