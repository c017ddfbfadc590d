"""The short form of a trainable: a function of an architecture that yields one dict of metrics per epoch.

    def train(architecture, *, width=8, seed=0):
        ...
        yield {"accuracy": 0.5}

`seed` and `max_epochs` are passed where the signature names them; every other parameter is a setting. The state of a
generator cannot be saved, so such a training starts from scratch after its worker has died. What an architecture costs
is told before a training by functions of the architecture: `train.costs = {"parameters": count}`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Generator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from trainables.errors import CheckpointError, EndOfTraining, TrainableError

if TYPE_CHECKING:
    from torch import nn

    from search_spaces.architecture import Architecture
    from trainables.training.batches import Batch

__all__ = ["GIVEN", "GeneratorTrainable"]

GIVEN = ("seed", "max_epochs")
"""The arguments that the search passes to a function whose signature names them."""

TrainFunction = Callable[..., Generator[Mapping[str, object], None, object]]


class GeneratorTrainable:
    """A generator function as a `Trainable`; `trainables.adapt` makes it and checks the settings.

    Args:
        function: a generator function; its first argument is the architecture, and it yields one dict of metrics per
            epoch.
        settings: keyword arguments of every call; default none.
    """

    checkpoints: ClassVar[bool] = False

    def __init__(self, function: TrainFunction, settings: Mapping[str, object] | None = None) -> None:
        self._function = function
        self._settings = dict(settings or {})
        self._epochs: Generator[Mapping[str, object], None, object] | None = None
        named = inspect.signature(function).parameters
        self._takes = [name for name in GIVEN if name in named]

    def setup(self, architecture: Architecture, *, seed: int, max_epochs: int) -> None:
        """Call the function; its body starts to run with the first `step`.

        Args:
            architecture: the architecture to train.
            seed: passed on if the function has a parameter of that name.
            max_epochs: passed on likewise, in epochs.
        """
        self.close()
        given = {"seed": seed, "max_epochs": max_epochs}
        self._epochs = self._function(architecture, **self._settings, **{name: given[name] for name in self._takes})

    def step(self) -> Mapping[str, object]:
        """Run the function to its next `yield`.

        Returns:
            The metrics that it yields.

        Raises:
            EndOfTraining: the function has returned.
            TrainableError: `setup` was not called before.
        """
        if self._epochs is None:
            raise TrainableError(f"{self!r} was asked for an epoch before setup(); call setup() first")
        try:
            return next(self._epochs)
        except StopIteration:
            raise EndOfTraining(f"{self!r} has returned") from None

    def save(self, folder: Path) -> None:
        """Refuse to save: the state of a running function cannot be written.

        Args:
            folder: named in the message.

        Raises:
            CheckpointError: always.
        """
        raise CheckpointError(f"{self!r} has no state to save in {folder}; a class with save() and load() has")

    def load(self, folder: Path) -> None:
        """Refuse to load: the state of a running function cannot be read back.

        Args:
            folder: named in the message.

        Raises:
            CheckpointError: always.
        """
        raise CheckpointError(f"{self!r} cannot go on from {folder}; write a class with save() and load()")

    @property
    def counts(self) -> Sequence[str]:
        """The names in the function's attribute `costs`."""
        return list(_costs_of(self._function))

    def costs(self, architecture: Architecture, names: Sequence[str]) -> Mapping[str, float]:
        """Call the functions of the attribute `costs`.

        Args:
            architecture: a member of the space.
            names: which costs.

        Returns:
            Each of them by its name.
        """
        known = _costs_of(self._function)
        return {name: float(known[name](architecture)) for name in names}

    @property
    def can_build(self) -> bool:
        """Whether the function has the attribute `untrained`."""
        return callable(getattr(_innermost(self._function), "untrained", None))

    def untrained(self, architecture: Architecture) -> tuple[nn.Module, Batch]:
        """Call the attribute `untrained` of the function.

        Args:
            architecture: a member of the space.

        Returns:
            The network, and the inputs of one example.

        Raises:
            TrainableError: the function has no such attribute.
        """
        build = getattr(_innermost(self._function), "untrained", None)
        if not callable(build):
            name = getattr(self._function, "__name__", "train")
            raise TrainableError(
                f"{name} cannot build a network to measure; set {name}.untrained to a function that returns the "
                "network of an architecture and an example of its inputs"
            )
        made: tuple[nn.Module, Batch] = build(architecture)
        return made

    def close(self) -> None:
        """End the function at its last `yield`, so that its `finally` blocks run."""
        if self._epochs is not None:
            self._epochs.close()
            self._epochs = None

    def __repr__(self) -> str:
        return f"GeneratorTrainable({getattr(self._function, '__name__', self._function)})"


def _innermost(function: object) -> object:
    while isinstance(function, partial):
        function = function.func
    return function


def _costs_of(given: object) -> Mapping[str, Callable[[Architecture], float]]:
    function = _innermost(given)
    found = getattr(function, "costs", {})
    if not isinstance(found, Mapping) or not all(callable(count) for count in found.values()):
        raise TrainableError(f"{function!r}.costs is {found!r:.100}; it maps names of costs to functions")
    return found
