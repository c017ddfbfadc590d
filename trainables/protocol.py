"""The port between a search and a training: what every trainable can do.

A caller makes the object once with its settings, then sets it up for one architecture after another (data stay
loaded), and calls `step` until it has seen enough. Stopping, pausing and promoting are the caller's business; a
trainable knows nothing of them. More members are optional: `evaluate(split)`, which `Evaluating` describes,
`check()` (`Checking`), `about()` (`Describing`), `deployed()` (`Deployable`), `tuning()` (`Compressible`),
`full_recipe()` (`Retrainable`),
`load_shared()` and `take_shared(...)` (`Sharing`), `notes()` (`Telling`), `architecture` (`Searching`), `proxies`
and `zero_cost(...)` (`Scoring`), `parallel` and `join(group)` (`Parallel`), and two class attributes:
`checkpoints`, which `has_checkpoints` reads, and `modes`, which says of metrics whether more is better
(`trainables.metrics`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeGuard, runtime_checkable

if TYPE_CHECKING:
    from search_spaces.architecture import Architecture
    from trainables.compression.tuning import Tuning
    from trainables.export.deployed import Deployed
    from trainables.training.parallel import Group

__all__ = [
    "Checking",
    "Compressible",
    "Deployable",
    "Describing",
    "Evaluating",
    "Parallel",
    "Retrainable",
    "Scoring",
    "Searching",
    "Sharing",
    "Telling",
    "Trainable",
    "has_checkpoints",
    "is_parallel",
]


@runtime_checkable
class Trainable(Protocol):
    """One training, an epoch at a time; the constructor checks the settings and loads nothing."""

    def setup(self, architecture: Architecture, *, seed: int, max_epochs: int) -> None:
        """Begin the training of `architecture`; called again for the next trial on the same object.

        `seed` decides everything random in it, `max_epochs` is the length of its schedule in calls of `step`.
        """

    def step(self) -> Mapping[str, object]:
        """Train one epoch and return its metrics; raise `EndOfTraining` when there is nothing more."""

    def save(self, folder: Path) -> None:
        """Write all that is needed to go on after this epoch into the existing `folder`; never a pickle."""

    def load(self, folder: Path) -> None:
        """Go on from what `save` wrote, after `setup` with the same arguments; else `CheckpointError`."""


@runtime_checkable
class Evaluating(Protocol):
    """A trainable that can be judged on a split; "test" is the one that the search never saw."""

    def evaluate(self, split: str) -> Mapping[str, float]:
        """Metrics of the network as it stands on `split` ("validation" or "test"), in evaluation mode."""


@runtime_checkable
class Checking(Protocol):
    """A trainable that can tell, before any trial, that none could be trained."""

    def check(self) -> None:
        """Raise what every `setup` would raise, such as `DataError` for data that are not there.

        It may read the data, which this process then need not read again.
        """


@runtime_checkable
class Describing(Protocol):
    """A trainable that can say what all its trainings have in common."""

    def about(self) -> Sequence[str]:
        """What a person should know of it, such as which images were found; once a run. It may read the data."""


@runtime_checkable
class Deployable(Protocol):
    """A trainable whose network can be taken out and used without it."""

    def deployed(self) -> Deployed:
        """The network as it stands, some examples as it expects them, and what else its user has to know."""


@runtime_checkable
class Compressible(Deployable, Protocol):
    """A trainable whose network, once it was changed, can be trained on and judged as it was itself."""

    def tuning(self) -> Tuning:
        """The data and the recipe of this training, for another network of the same task."""


@runtime_checkable
class Retrainable(Protocol):
    """A trainable that knows by which further settings a winner is trained in full."""

    def full_recipe(self) -> Mapping[str, object]:
        """Settings that a search leaves out to be quick; needs no set-up, and may read the data.

        A retraining takes those that the signature has and that nobody has set. Of a mapping it takes the keys.
        """


@runtime_checkable
class Sharing(Protocol):
    """A trainable that needs something large from disk which is the same for all trials.

    Where trials run in several processes, one of them reads it for all, and the others need no such file.
    """

    def load_shared(self) -> object:
        """Read it: tensors, arrays and plain Python in any nesting, which nobody changes from then on."""

    def take_shared(self, shared: object) -> None:
        """Use what `load_shared` of an equal trainable gave, and read nothing; called before the first `setup`."""


@runtime_checkable
class Telling(Protocol):
    """A trainable with something to say that is no number."""

    def notes(self) -> Sequence[str]:
        """What a person should know and was not told yet; asked for after every epoch."""


@runtime_checkable
class Parallel(Protocol):
    """A trainable that several processes can train together, each with one object of it on a device of its own.

    All of them are set up alike and make the same calls; every report is that of the whole. Only process 0 saves, all
    load what it saved, and what was saved is as good for one process alone. They talk through `Group`, whose errors
    tell a lost process from a failed training.
    """

    @property
    def parallel(self) -> bool:
        """Whether it really can, as far as it was made."""

    def join(self, group: Group) -> None:
        """Be one of the processes of `group` from the next `setup` on; sends nothing.

        Raises:
            TrainableError: so many cannot train this together.
        """


@runtime_checkable
class Searching(Protocol):
    """A trainable that looks for an architecture itself: what it finds is its result, not what it was set up with."""

    @property
    def architecture(self) -> Architecture | None:
        """The best so far; None before the first epoch."""


@runtime_checkable
class Scoring(Protocol):
    """A trainable that can guess which of two architectures is the better one, without training them."""

    @property
    def proxies(self) -> Sequence[str]:
        """Names of the scores that it knows; of each, more is better."""

    def zero_cost(self, architecture: Architecture, proxy: str, *, seed: int) -> float:
        """The score called `proxy`, never NaN; -inf where nothing could be learnt.

        `seed` decides what is random in it. A training that is under way goes on as if nobody had asked.
        """


def has_checkpoints(trainable: Trainable) -> bool:
    """Whether `save` and `load` do anything; where they do not, a training begins again at epoch 0."""
    return bool(getattr(trainable, "checkpoints", True))


def is_parallel(trainable: Trainable) -> TypeGuard[Parallel]:
    """Whether several processes can train it together."""
    return isinstance(trainable, Parallel) and bool(trainable.parallel)
