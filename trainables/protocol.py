"""The port between a search and a training: what every trainable can do.

A caller makes the object once with its settings. It sets the object up for one architecture after another, which keeps
the data loaded, and calls `step` until it has seen enough. Stopping, pausing and promoting are the business of the
caller; a trainable does not see them. The other protocols are optional:

    Evaluating    evaluate(split)                     Retrainable   full_recipe()
    Checking      check()                             Sharing       load_shared(), take_shared(shared)
    Describing    about()                             Telling       notes()
    Deployable    deployed()                          Searching     architecture
    Compressible  tuning()                            Scoring       proxies, zero_cost(architecture, proxy, seed=..)
    Parallel      parallel, join(group)               Deciding      decided_by(space), check_decisions(space)
    Costing       counts, costs(architecture, names)  Building      untrained(architecture)

So are three class attributes: `checkpoints`, which `has_checkpoints` reads, `trains_networks`, which the function of
that name reads, and `metrics` or `modes`, which declare its metrics (`trainables.metrics`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeGuard, runtime_checkable

if TYPE_CHECKING:
    from torch import nn

    from search_spaces.architecture import Architecture
    from search_spaces.space import Space
    from trainables.compression.tuning import Tuning
    from trainables.export.deployed import Deployed
    from trainables.training.batches import Batch
    from trainables.training.parallel import Group

__all__ = [
    "Building",
    "Checking",
    "Compressible",
    "Costing",
    "Deciding",
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
    "trains_networks",
]


@runtime_checkable
class Trainable(Protocol):
    """One training, an epoch at a time; the constructor checks the settings and loads nothing."""

    def setup(self, architecture: Architecture, *, seed: int, max_epochs: int) -> None:
        """Begin the training of an architecture; called again for the next trial on the same object.

        Args:
            architecture: the architecture to train.
            seed: decides everything random in the training.
            max_epochs: length of the learning rate schedule, in epochs (calls of `step`).
        """

    def step(self) -> Mapping[str, object]:
        """Train one epoch.

        Returns:
            The metrics of the epoch by name.

        Raises:
            EndOfTraining: there is no further epoch.
        """

    def save(self, folder: Path) -> None:
        """Write a checkpoint from which `load` continues after this epoch; never a pickle.

        Args:
            folder: an existing folder.
        """

    def load(self, folder: Path) -> None:
        """Continue from a checkpoint, after `setup` with the same arguments.

        Args:
            folder: what `save` wrote.

        Raises:
            CheckpointError: the checkpoint is damaged or belongs to another training.
        """


@runtime_checkable
class Evaluating(Protocol):
    """A trainable whose network can be evaluated on a split. The search never sees the split "test"."""

    def evaluate(self, split: str) -> Mapping[str, float]:
        """Evaluate the network in its present state, in evaluation mode.

        Args:
            split: "validation" or "test".

        Returns:
            The metrics by name.
        """


@runtime_checkable
class Picturing(Protocol):
    """A trainable that draws what its network predicts."""

    def pictures(self, split: str, count: int = 4) -> Mapping[str, bytes]:
        """Draw predictions for the first examples of a split beside the truth.

        Args:
            split: "validation" or "test".
            count: the most examples.

        Returns:
            PNG files by their titles; none where there is nothing to draw.
        """


@runtime_checkable
class Deciding(Protocol):
    """A trainable whose settings may be decisions of the space."""

    def decided_by(self, space: Space) -> list[str]:
        """List the settings of a training that a space decides.

        Args:
            space: of the architectures.

        Returns:
            Their names.
        """

    def check_decisions(self, space: Space) -> None:
        """Check before the first trial the decisions of a space that are settings of the training.

        Args:
            space: of the architectures.

        Raises:
            TrainableError: a setting is given and decided, or a value that is decided for it cannot be.
        """


@runtime_checkable
class Costing(Protocol):
    """A trainable that knows what an architecture costs before it is trained, such as its number of parameters.

    A function has the attribute `costs` instead: a dict of functions of an architecture, by the name of the cost.
    Where a cost is a look-up and not a count, the class attribute `looks_costs_up` is True.
    """

    @property
    def counts(self) -> Sequence[str]:
        """Names of the costs; `trainables.costs.quantities` has the units of the usual ones."""

    def costs(self, architecture: Architecture, names: Sequence[str]) -> Mapping[str, float]:
        """Count costs of an architecture. A training in progress on the same object is not disturbed.

        Args:
            architecture: a member of the space.
            names: which costs, of `counts`.

        Returns:
            Each of them by its name; the same at every call.
        """


@runtime_checkable
class Building(Protocol):
    """A trainable that builds the network of an architecture without training it, to measure what it costs.

    A function has the attribute `untrained` instead, a function of an architecture.
    """

    def untrained(self, architecture: Architecture) -> tuple[nn.Module, Batch]:
        """Build a network. A training in progress on the same object is not disturbed.

        Args:
            architecture: a member of the space.

        Returns:
            The network on the CPU, and the inputs of one example as the network takes them.
        """


@runtime_checkable
class Checking(Protocol):
    """A trainable that finds out, before the first trial, whether every `setup` would fail."""

    def check(self) -> None:
        """Raise what every `setup` would raise, such as `DataError` for data that do not exist.

        The check may read the data, which this process then need not read again.
        """


@runtime_checkable
class Describing(Protocol):
    """A trainable that describes what all its trainings have in common."""

    def about(self) -> Sequence[str]:
        """Describe the trainable for a person, once a run. It may read the data.

        Returns:
            One line for each fact, such as which images were found.
        """


@runtime_checkable
class Deployable(Protocol):
    """A trainable whose network can be taken out and used without the trainable."""

    def deployed(self) -> Deployed:
        """Hand out the network in its present state.

        Returns:
            The network, some example inputs, and what its user needs besides.
        """


@runtime_checkable
class Compressible(Deployable, Protocol):
    """A trainable that can train and evaluate a changed copy of its network as it does its own."""

    def tuning(self) -> Tuning:
        """Hand out the data and the training settings for another network of the same task.

        Returns:
            What trains and evaluates such a network.
        """


@runtime_checkable
class Retrainable(Protocol):
    """A trainable that has further settings for the full training of a winner."""

    def full_recipe(self) -> Mapping[str, object]:
        """Choose the settings that a search leaves out to save time; needs no `setup` and may read the data.

        A retraining uses those settings that the signature has and that the user has not set. Where a setting is a
        mapping, this holds for each of its keys.

        Returns:
            The settings by name.
        """


@runtime_checkable
class Sharing(Protocol):
    """A trainable that reads something large from disk which is the same for all trials.

    Where trials run in several processes, one process reads it for all, and the others need no such file.
    """

    def load_shared(self) -> object:
        """Read what all trials share.

        Returns:
            Tensors, arrays and plain Python values, nested in any way. Nobody changes them afterwards.
        """

    def take_shared(self, shared: object) -> None:
        """Use what another process has read instead of reading it; called before the first `setup`.

        Args:
            shared: the result of `load_shared` of an equal trainable.
        """


@runtime_checkable
class Telling(Protocol):
    """A trainable that reports notes as well as numbers."""

    def notes(self) -> Sequence[str]:
        """Return notes for people; called after every epoch.

        Returns:
            The notes since the last call, a sentence each.
        """


@runtime_checkable
class Parallel(Protocol):
    """A trainable that several processes can train together, each with its own object on its own device.

    All processes set up their objects alike and make the same calls. Every report describes the whole training. Only
    process 0 saves, and all load its checkpoint, which also serves a single process. The processes communicate through
    `Group`, whose errors distinguish a lost process from a failed training.
    """

    @property
    def parallel(self) -> bool:
        """Whether the settings of this object allow it."""

    def join(self, group: Group) -> None:
        """Join a group of processes from the next `setup` on; sends nothing.

        Args:
            group: the processes that train together.

        Raises:
            TrainableError: this number of processes cannot train it together.
        """


@runtime_checkable
class Searching(Protocol):
    """A trainable that searches by itself: its result is the architecture that it finds, not the one of `setup`."""

    @property
    def architecture(self) -> Architecture | None:
        """The best architecture so far; None before the first epoch."""


@runtime_checkable
class Scoring(Protocol):
    """A trainable that can rank architectures without training them."""

    @property
    def proxies(self) -> Sequence[str]:
        """Names of the available scores. More is better for each of them."""

    def zero_cost(self, architecture: Architecture, proxy: str, *, seed: int) -> float:
        """Score an architecture. A training in progress on the same object is not disturbed.

        Args:
            architecture: the architecture to score.
            proxy: one of `proxies`.
            seed: decides everything random in the score.

        Returns:
            The score, never NaN; -inf where the network could not learn anything.
        """


def has_checkpoints(trainable: Trainable) -> bool:
    """Check whether `save` and `load` do anything. Without checkpoints a training restarts at epoch 0.

    Args:
        trainable: any trainable.

    Returns:
        The class attribute `checkpoints`; True where there is none.
    """
    return bool(getattr(trainable, "checkpoints", True))


def trains_networks(target: object) -> bool:
    """Check whether a trainable trains the network of an architecture.

    Args:
        target: a trainable, its class, or a generator function.

    Returns:
        False where the class attribute `trains_networks` is: for a trainable that looks for an architecture, or that
        estimates a metric without training.
    """
    return bool(getattr(target, "trains_networks", True))


def is_parallel(trainable: Trainable) -> TypeGuard[Parallel]:
    """Check whether several processes can train a trainable together.

    Args:
        trainable: any trainable, with its settings.

    Returns:
        True for a `Parallel` trainable whose settings allow it.
    """
    return isinstance(trainable, Parallel) and bool(trainable.parallel)
