"""Decisions of an architecture that are settings of its training, such as `lr = real(1e-4, 1e-1, log=True)`.

A decision at the top of the tree of an architecture sets the setting of its name for the training of that architecture:
how it is trained (`LearnerSettings`), or a setting of the task that does not decide which examples there are. The
builder of the network gets the tree without it. Two kinds of decisions stay with the network: those that the space of
the catalogue has itself, and those of the choices in a module.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import search_spaces
from search_spaces.names import did_you_mean
from search_spaces.parameters import Choice, Const, Integer, Real
from trainables import networks
from trainables.errors import TrainableError
from trainables.networks import space_name, tree_of
from trainables.networks.own import OwnModule, module_space
from trainables.settings.groups import flat_settings
from trainables.tasks.learner_settings import LearnerSettings
from trainables.tasks.registry import measure_settings, task_settings
from trainables.tasks.task import Task
from trainables.trial.trainings import REPEATS

if TYPE_CHECKING:
    from search_spaces.architecture import Architecture
    from search_spaces.space import Space

__all__ = ["DecidedSettings"]

OF_NETWORK = ("space", "device", "network", "channels", "cells", "layers")
"""Settings of a learner that no space decides: they are those of the network, or of the machine."""
OF_SPLIT = ("validation_share", "test_share", "validation_groups", "folds", "fold", "data_seed", "whole")
"""Settings that choose the examples of each part, whatever a task declares as fixed."""
_DRAWN = 8


class DecidedSettings:
    """Tells the settings of a training from the decisions of a network.

    Args:
        space: the name of the space, or a `Space`.
        task: the class of the task.
        arguments: returns what the data decide for the builder of a network.
    """

    def __init__(self, space: object, task: type[Task], arguments: Callable[[], Mapping[str, Any]]) -> None:
        self.space, self.task, self.arguments = space, task, arguments
        self._of_network: Collection[str] | None = None

    @property
    def settings(self) -> list[str]:
        """The settings that a space may decide."""
        of_learner = [name for name in flat_settings(LearnerSettings) if name not in OF_NETWORK]
        return [*of_learner, *(name for name in task_settings(self.task) if name not in self._fixed)]

    @property
    def _fixed(self) -> set[str]:
        """The settings of the task that are the same for all architectures."""
        return {*self.task.fixed_settings, *OF_SPLIT, *measure_settings(self.task)}

    def names(self, tree: object) -> list[str]:
        """List the decisions that are settings.

        Args:
            tree: an architecture, its tree, or the declared tree of a space.

        Returns:
            Their names.
        """
        keys = list(tree.keys()) if isinstance(tree, Mapping) or hasattr(tree, "keys") else []
        known = set(self.settings)
        found = [key for key in keys if key in known]
        return [key for key in found if key not in self._own()] if found else []

    def parted(self, architecture: Architecture | Mapping[str, Any]) -> tuple[dict[str, Any], Any]:
        """Part an architecture.

        Args:
            architecture: a member of the space, or its tree.

        Returns:
            The settings that it decides by name, and what the builder of the network gets: the architecture itself
            where it decides no setting, else the rest of its tree.
        """
        names = self.names(architecture)
        if not names:
            return {}, architecture
        tree = tree_of(architecture)
        rest = {name: value for name, value in tree.items() if name not in names}
        return {name: tree[name] for name in names}, rest

    def check(self, space: Space, given: Mapping[str, object], make: Callable[[Mapping[str, Any]], object]) -> None:
        """Check before the first trial that every value which the space can decide for a setting is possible.

        Args:
            space: of the architectures.
            given: the settings that the user gives the trainable.
            make: makes settings and task with some settings replaced; it raises for what cannot be.

        Raises:
            TrainableError: a setting is given and decided; a value cannot be; a setting that chooses the examples is
                decided; or a decision looks like a misspelt one.
        """
        declared = space.declared
        if not isinstance(declared, Mapping):
            return
        self._check_examples(space, declared)
        self._check_spelling(declared)
        for name in self.names(declared):
            if name in given:
                raise TrainableError(
                    f"{name} is decided by the space and given to the trainable ({name} = {given[name]!r}); leave one "
                    "of them out"
                )
            for value in _values(space, name, declared[name]):
                try:
                    make({name: value})
                except (TrainableError, TypeError) as error:
                    raise TrainableError(
                        f"{name} is decided by the space, which has {value!r} for it, and: {error}; change the decision"
                    ) from error

    def _check_examples(self, space: Space, declared: Mapping[str, object]) -> None:
        """Values of architectures compare only where all have the same examples, in the same parts."""
        own, known = self._own(), {*task_settings(self.task), REPEATS}
        # A builder of the user's may have decisions of its own by a name such as `kind` or `step`.
        refused = {*OF_SPLIT, REPEATS} | (self._fixed if self._knows_own() else set())
        for name, decision in declared.items():
            if name in refused and name in known and name not in own:
                values = " or ".join(dict.fromkeys(repr(value) for value in _values(space, name, decision)))
                where = "trainable" if name == REPEATS else "task"
                raise TrainableError(
                    f"{name} is decided by the space, which has {values} for it, and it chooses what all architectures "
                    f"are measured on, or how often: their values would not compare; take it out of the space, and set "
                    f"it once, in [{where}]"
                )

    def _knows_own(self) -> bool:
        """Whether it is known which decisions are those of the network."""
        name = space_name(self.space)
        family = networks.registered(name)
        return name in search_spaces.names() if family is None else isinstance(family.builder, OwnModule)

    def _check_spelling(self, declared: Mapping[str, object]) -> None:
        """The builder of a space of the catalogue would not read a decision that is none of its own."""
        name = space_name(self.space)
        if networks.registered(name) is not None or name not in search_spaces.names():
            return
        known = self.settings
        for key in declared:
            if key not in known and key not in self._own() and (hint := did_you_mean(str(key), known)):
                raise TrainableError(f"{key} is not a decision of {name} and no setting of the training{hint}")

    def _own(self) -> Collection[str]:
        """The decisions at the top of the tree that are those of the network."""
        if self._of_network is None:
            self._of_network = set(_own(space_name(self.space), self.arguments))
        return self._of_network


def _own(name: str, arguments: Callable[[], Mapping[str, Any]]) -> Iterator[str]:
    family = networks.registered(name)
    if family is not None and isinstance(family.builder, OwnModule):
        declared = module_space(family, arguments() if family.takes_arguments else {}, name).declared
    elif family is None and name in search_spaces.names():
        declared = search_spaces.get(name).declared
    else:
        return
    if isinstance(declared, Mapping):
        yield from declared


def _values(space: Space, name: str, declared: object) -> list[Any]:
    """The bounds or options of a decision; of one with decisions inside, some members."""
    if isinstance(declared, Const):
        return [declared.value]
    if isinstance(declared, Integer | Real):
        return [declared.low, declared.high]
    if isinstance(declared, Choice):
        plain = [tree.value if isinstance(tree, Const) else tree for _, tree in declared.options.entries]
        if not declared.options.named and all(type(value) in (str, bool, int, float, type(None)) for value in plain):
            return plain
    drawn = [tree_of(space.sample(seed)) for seed in range(_DRAWN)]
    return [tree[name] for tree in drawn]
