"""The search for an architecture by gradients, as one training: an epoch of the supernet is a step.

    search = DartsTrainable(space="darts", data="digits", method="pcdarts")
    search.setup(Architecture({}), seed=0, max_epochs=50)
    for _ in range(50):
        print(search.step()["accuracy"])
    print(search.genotype, search.architecture)

The training examples of the data are parted in two. The weights learn from one half, and the architecture from the
other, which is called validation here too. Only `evaluate("test")` sees the test examples. On a CPU the same seed gives
the same numbers, and a search that continues from a checkpoint gives those of one that was never stopped, to the last
bit. No call changes torch's global random state.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import torch

from search_spaces.notation import writer
from trainables.costs.quantities import QUANTITIES
from trainables.errors import CheckpointError, TrainableError
from trainables.metrics import Metric, metrics_of_supernet
from trainables.networks import NETWORKS, tree_of
from trainables.settings import check_number
from trainables.settings.groups import takes
from trainables.supernet.builder import SearchBuilder
from trainables.supernet.running import RunningSearch
from trainables.supernet.search import Search
from trainables.supernet.searched_task import SearchedTask
from trainables.supernet.settings import SearchSettings
from trainables.tasks.decisions import DecidedSettings
from trainables.training.devices import device_of
from trainables.trial.checkpoint import check_identity, read_tensors, write_tensors

if TYPE_CHECKING:
    from search_spaces.architecture import Architecture
    from search_spaces.space import Space
    from trainables.tasks.learner import Learner
    from trainables.tasks.task import Task

__all__ = ["DartsTrainable"]


class DartsTrainable:
    """A search in the supernet of `space` on a task, by one of the methods of `trainables.supernet`.

    Args:
        settings: those of `SearchSettings`, `task`, and those of the task, side by side. `task` is the name of a task,
            a class that follows `trainables.tasks.task.Task`, or a mapping with a name and settings; by default images
            are classified. Half of the training examples are for validation, and labels are not smoothed.

    Raises:
        TrainableError: a setting is unknown or impossible, or the networks of the space do not fit the task.
    """

    trains_networks: ClassVar[bool] = False
    file: ClassVar[str] = "search"
    """What the files of a checkpoint are called."""

    @takes(SearchSettings, more=True)
    def __init__(self, **settings: object) -> None:
        self._builder = SearchBuilder(settings)
        self._running: RunningSearch | None = None

    @classmethod
    def metrics_of(cls, settings: Mapping[str, object]) -> list[Metric]:
        """Declare the metrics of a search with some settings.

        Args:
            settings: of the search and of its task.

        Returns:
            The primary metric of the task for the architecture that is found, the metrics of the task, and the costs
            that are limited.
        """
        searched = SearchedTask.of(settings)
        limits: Any = searched.search.get("limits") or {}
        costs = [QUANTITIES[name].metric for name in limits if name in QUANTITIES]
        return [*metrics_of_supernet(searched.task.metrics, searched.task.primary), *costs]

    @classmethod
    def setting_names(cls, settings: Mapping[str, object]) -> list[str]:
        """List the settings of a search with a task.

        Args:
            settings: those that are known, such as `task`.

        Returns:
            The names.
        """
        return SearchedTask.setting_names(settings)

    @property
    def task(self) -> Task:
        """What is learned."""
        return self._builder.task

    def check(self) -> None:
        """Read the data, and make the supernet of a module of one's own.

        Raises:
            DataError: there are no data to search on.
            DeviceError: the device is missing.
            TrainableError: the method cannot mix a choice of the module, or the shapes of its options disagree.
        """
        device_of(self._builder.settings.device)
        self._builder.task.check()
        if self._builder.limits is not None:
            self._builder.limits.check()
        if self._builder.space_name not in NETWORKS.built_in():
            self._builder.begin(seed=0, epochs=len(self._builder.stages))

    def decided_by(self, space: Space) -> list[str]:
        """List the settings of a training that a space decides."""
        task, name = self._builder.task, self._builder.space_name
        return DecidedSettings(name, type(task), lambda: task.load(torch.device("cpu")).arguments()).names(
            space.declared
        )

    def check_decisions(self, space: Space) -> None:
        """Refuse a space that decides settings of a training: a supernet trains all architectures together."""
        if names := self.decided_by(space):
            raise TrainableError(
                f"{names[0]} is a setting of a training, and a supernet trains all architectures together; leave it "
                "out of the space, or take a strategy that proposes architectures"
            )

    def about(self) -> list[str]:
        """Describe the data that are found and how they are parted; reads them."""
        return self._builder.task.about()

    def setup(self, architecture: Architecture, *, seed: int, max_epochs: int) -> None:
        """Load the data (once per process) and build the supernet; `step` then trains epoch 1.

        Args:
            architecture: not a network: each decision is a setting that replaces the given one, so that settings of
                searches can themselves be searched. The decision `search` is not a setting. It is a number that
                distinguishes searches of equal settings.
            seed: decides everything random.
            max_epochs: epochs of the search, of all its stages together.

        Raises:
            TrainableError: a decision is not a setting, or a setting cannot be, or the shapes of options disagree.
        """
        check_number("seed", seed, 0, 2**63 - 1, whole=True)
        check_number("max_epochs", max_epochs, 1, whole=True)
        overrides = {name: value for name, value in tree_of(architecture).items() if name != "search"}
        builder = SearchBuilder({**self._builder.given, **overrides}) if overrides else self._builder
        identity = {**builder.identity(), "seed": seed, "max_epochs": max_epochs}
        self._running = RunningSearch(builder, seed, max_epochs, identity)

    def step(self) -> dict[str, float | int]:
        """Search one epoch.

        Returns:
            The metrics of the task of the supernet on the validation examples, such as `accuracy` and `loss`;
            `train_loss` and the primary metric as `train_..` of the weights as they learned; the primary metric of the
            architecture on the validation examples with the shared weights, as `discrete_..`, and `gap`, by how much
            that is worse; `entropy` of the preferences of the architecture in nats,
            `skips`, its skip connections, `collapsed` (0 or 1), `changed` (1 where the architecture differs from that
            of the last epoch), `lr`, `parameters` of the network that is found, `supernet_parameters` of the supernet,
            and `eigenvalue` where the settings ask for it. Under limits, the counted costs of the network that is
            trained by itself, and after the last epoch the measured ones; `parameters` is then its, too.

        Raises:
            EndOfTraining: all epochs are trained, or the search has stopped on a collapse.
        """
        return self._run.step()

    @property
    def architecture(self) -> Architecture | None:
        """What the search has found so far; None before the first epoch."""
        return None if self._running is None else self._running.architecture

    @property
    def genotype(self) -> str:
        """That architecture in the text form of its space, else as JSON; empty before the first epoch."""
        found = self.architecture
        return "" if found is None else writer(self._run.staged.search.supernet.space)(found)

    def notes(self) -> list[str]:
        """The notes since the last call: that the search has collapsed."""
        return [] if self._running is None else self._running.new_notes()

    def evaluate(self, split: str) -> dict[str, float]:
        """On a split as it is: the metrics of the supernet, and of the architecture the primary one as `discrete_..`"""
        return self._run.evaluate(split)

    @property
    def costing(self) -> Learner:
        """Builds and counts the networks of architectures that are trained by themselves; needs no set-up."""
        return self._builder.costing

    @property
    def supernet(self) -> torch.nn.Module:
        """The supernet of this moment."""
        return self.search.supernet

    @property
    def search(self) -> Search:
        """The search of the present stage, with its data."""
        return self._run.staged.search

    def save(self, folder: Path) -> None:
        """Write the search into `folder`, and for people the architecture, as `architecture.json`."""
        whole = {"of": self._run.identity, "settings": self._run.builder.kept, **self._run.state_dict()}
        write_tensors(folder, self.file, whole)
        found = self.architecture
        if found is not None:
            said = {"space": self._run.builder.space_name, "genotype": self.genotype, "architecture": found.tree}
            (folder / "architecture.json").write_text(json.dumps(said, indent=2) + "\n", encoding="utf-8")

    def load(self, folder: Path) -> None:
        """Continue from `folder`, which an equal search wrote; otherwise `CheckpointError`, and set up again."""
        state = read_tensors(folder, self.file)
        mine = self._run.identity
        before = {**self._run.builder.older_identity(), "seed": mine["seed"], "max_epochs": mine["max_epochs"]}
        check_identity(folder, state, "search", mine, before)
        try:
            self._run.load_state_dict(state)
        except (RuntimeError, KeyError, ValueError, TypeError) as error:
            raise CheckpointError(f"{folder} does not fit this search: {error}; set up anew") from error

    @property
    def _run(self) -> RunningSearch:
        if self._running is None:
            raise TrainableError("the search was used before setup(); call setup() first")
        return self._running
