"""A trainable for what a search has found: one of a list of architectures, trained by another trainable, tested once.

The tree that it is set up with has the index of the architecture ("chosen") and the number of the repetition
("repeat"); the seed is the trial's own. The last report has the metrics of the test split too, as `test_<metric>`. A
training that ends before its last epoch is tested then, and reports once more.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from nas_tune.config.references import with_local_modules
from nas_tune.session.trust import load_target
from search_spaces import Space
from trainables.errors import CheckpointError, EndOfTraining, TrainableError
from trainables.networks.evaluation import set_evaluating
from trainables.protocol import Checking, Describing, Evaluating, Telling, Trainable, has_checkpoints, is_parallel
from trainables.registry import Target, adapt, get

if TYPE_CHECKING:
    from search_spaces import Architecture
    from trainables.training.parallel import Group

__all__ = ["TEST", "Retraining", "reference", "target_called"]

TEST = "test_"
"""Before the name of a metric that is of the test split."""

_FILE, _INNER = "retraining.json", "trained"


class Retraining:
    """Trains `candidates[chosen]`.

    Args:
        of: the trainable that does it, by its registered name or as "module:attribute".
        settings: its settings.
        space: the spec of the space of the candidates (`Space.to_spec`) as JSON text.
        candidates: each a table with its `tree`; whatever else it has says where it comes from.
        origin: of the search: its metric and mode, how many trials it had, and the fingerprint of the source of `of`
            (code); for who reads the retraining, decides nothing here.
    """

    metrics_at_end: ClassVar[bool] = True
    target: ClassVar[Target | None] = None
    """Stands in for `of` in a subclass, where that has no name to import."""

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
        self._epoch, self._epochs, self._ended = 0, 0, False

    @property
    def checkpoints(self) -> bool:
        """Whether the training can be saved."""
        return has_checkpoints(self.inner)

    @property
    def parallel(self) -> bool:
        """Whether several processes can train it together."""
        return is_parallel(self.inner)

    def join(self, group: Group) -> None:
        """Let the trainable join; `parallel` says whether it can."""
        if is_parallel(self.inner):
            self.inner.join(group)

    def check(self) -> None:
        """What the trainable itself says before any trial."""
        if isinstance(self.inner, Checking):
            self.inner.check()

    def about(self) -> Sequence[str]:
        """What the trainable itself says."""
        return self.inner.about() if isinstance(self.inner, Describing) else ()

    def setup(self, architecture: Architecture, *, seed: int, max_epochs: int) -> None:
        """Begin the training of the candidate that `architecture["chosen"]` numbers."""
        number = architecture["chosen"]
        if not 0 <= number < len(self._candidates):
            raise TrainableError(f"chosen is {number}; there are {len(self._candidates)} candidates, counted from 0")
        self._epoch, self._epochs, self._ended = 0, max_epochs, False
        member = self._space.validate(self._candidates[number]["tree"])
        self.inner.setup(member, seed=seed, max_epochs=max_epochs)

    def step(self) -> Mapping[str, object]:
        """One epoch of the training; with the last one, the test."""
        if self._ended:
            raise EndOfTraining("the training was tested, and is over")
        try:
            report: dict[str, object] = dict(self.inner.step())
        except EndOfTraining:
            if self._epoch == 0 or not isinstance(self.inner, Evaluating):
                raise
            return self._tested({"epoch": self._epoch + 1})
        own = report.get("epoch")
        # A report that counts itself wrongly is refused by the session.
        self._epoch = int(own) if isinstance(own, int | float) else self._epoch + 1
        return report if self._epoch < self._epochs else self._tested(report)

    def _tested(self, report: dict[str, object]) -> dict[str, object]:
        self._ended = True
        if isinstance(self.inner, Evaluating):
            set_evaluating(self.inner)
            report |= {f"{TEST}{name}": value for name, value in self.inner.evaluate("test").items()}
        return report

    def notes(self) -> Sequence[str]:
        """What the training has to say."""
        return self.inner.notes() if isinstance(self.inner, Telling) else ()

    def save(self, folder: Path) -> None:
        """Write the state of the training into a folder of its own in `folder`, and how far it is."""
        (folder / _INNER).mkdir()
        self.inner.save(folder / _INNER)
        (folder / _FILE).write_text(json.dumps({"epoch": self._epoch, "ended": self._ended}), encoding="utf-8")

    def load(self, folder: Path) -> None:
        """Go on from what `save` wrote."""
        try:
            state = json.loads((folder / _FILE).read_text(encoding="utf-8"))
            self._epoch, self._ended = int(state["epoch"]), bool(state["ended"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise CheckpointError(f"{folder} holds no retraining ({error!r}); give the folder of one") from error
        self.inner.load(folder / _INNER)


reference = f"{Retraining.__module__}:{Retraining.__qualname__}"
"""The name of `Retraining` in a configuration."""


def target_called(name: str) -> Target:
    """The trainable that is registered as `name`, or which "module:attribute" leads to.

    Raises:
        UnknownNameError, ConfigError: there is none.
    """
    return get(name) if ":" not in name else load_target(name, is_given=True)
