"""The standard trainable: train the network of one architecture on a task, an epoch a step.

    learner = Learner(task="classification", data="digits", space="nb201")
    learner.setup(architecture, seed=0, max_epochs=9)
    for _ in range(9):
        print(learner.step()["accuracy"])
    print(learner.evaluate("test"))

The data are on the device, where batches are drawn and augmented. On a CPU the same seed gives the same numbers, and a
training that continues from a checkpoint gives the numbers of one that was never stopped, to the last bit. On CUDA that
is not promised. No call changes torch's global random state. Several processes may train one network together (`join`);
all of them then call `step` and `evaluate`.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import torch

from trainables.costs.connection import depends_on_input
from trainables.costs.cost import Cost, CostMeter, Uninitialised, cost_of
from trainables.costs.liveness import peak_memory
from trainables.costs.zero_cost import PROXIES
from trainables.errors import CheckpointError, EndOfTraining, TrainableError
from trainables.metrics import Metric
from trainables.networks import build, builder_of, decided_arguments, space_name, tree_of
from trainables.settings import check_name, check_number
from trainables.settings.groups import flat_settings, from_flat
from trainables.tasks.decisions import DecidedSettings
from trainables.tasks.deploying import deployed, kept_settings
from trainables.tasks.learner_settings import LearnerSettings
from trainables.tasks.noticed import Noticed
from trainables.tasks.proxies import PROXY_EXAMPLES, proxy_score
from trainables.tasks.registry import (
    AUTO,
    guessed,
    make_task,
    task_class,
    task_settings,
    with_file,
)
from trainables.tasks.task import Recommending, Showing, Task, TaskData
from trainables.tasks.tuning import TaskTuning
from trainables.training.batches import Batch, called
from trainables.training.devices import device_of, placed
from trainables.training.loop import Recipe, Training
from trainables.training.parallel import ALONE, Group, check_together
from trainables.training.randomness import Randomness
from trainables.trial.checkpoint import check_identity, named, read_tensors, write_tensors
from trainables.trial.trainings import REPEATS

if TYPE_CHECKING:
    from search_spaces.architecture import Architecture
    from search_spaces.space import Space
    from trainables.export.deployed import Deployed

__all__ = ["PROXY_EXAMPLES", "Learner"]

EMA = 0.999
DROP_PATH = 0.2


class Learner:
    """A network of a space, trained on a task.

    Args:
        task: a name of `trainables.tasks.registry.TASKS`, "module:attribute", a class that follows `Task`, or a task.
            "auto" takes the one that the data suggest. A mapping has such a name or class as its "name", and settings
            of the task.
        settings: those of `LearnerSettings` and of the task, side by side.

    Raises:
        TrainableError: a setting is unknown or impossible, or the networks of the space do not fit the task.
    """

    parallel: ClassVar[bool] = True
    kind: ClassVar[str] = "learner"
    """What checkpoints and messages call it."""
    _guess: str = ""

    def __init__(self, *, task: object = AUTO, **settings: object) -> None:
        name, others = _parted(task, settings)
        if name == AUTO:
            name, self._guess = guessed({**others, "space": settings.get("space")})
        own = flat_settings(LearnerSettings)
        mine = {name: value for name, value in settings.items() if name in own}
        self._task_name = name
        self._begin({**mine, **others})

    @classmethod
    def task_of(cls, settings: Mapping[str, object]) -> Task:
        """Make the task of a learner with some settings; the settings of the learner itself are not checked.

        Args:
            settings: of the learner, `task` among them.

        Returns:
            The task.

        Raises:
            TrainableError: there is no such task, or it refuses its settings.
        """
        name, others = _parted(settings.get("task", AUTO), settings)
        if REPEATS in others:
            # Unless a task has such a setting, it says how often each architecture is trained (`trainables.registry`).
            known = task_settings(task_class(guessed({**settings, **others})[0] if name == AUTO else name))
            others = {key: value for key, value in others.items() if key != REPEATS or key in known}
        if name == AUTO:
            name, _ = guessed({**others, "space": settings.get("space")})
        return make_task(name, others)

    @classmethod
    def metrics_of(cls, settings: Mapping[str, object]) -> list[Metric]:
        """Declare the metrics of a learner with some settings.

        Args:
            settings: of the learner, `task` among them.

        Returns:
            The metrics of its task, the primary one first.
        """
        task = cls.task_of(settings)
        return sorted(task.metrics, key=lambda metric: metric.name != task.primary)

    @classmethod
    def setting_names(cls, settings: Mapping[str, object]) -> list[str]:
        """List the settings of a learner with a task.

        Args:
            settings: of the learner, `task` among them.

        Returns:
            The names.
        """
        return ["task", *flat_settings(LearnerSettings), *task_settings(type(cls.task_of(settings)))]

    def _begin(self, given: Mapping[str, object]) -> None:
        """Begin with settings by their flat names, those of the task among them."""
        self._given = dict(given)
        settings, task = self._configured({})
        self._check_space(task, settings.space)
        self._settings, self._task = settings, task
        self._decisions = DecidedSettings(settings.space, type(task), self._arguments)
        self._network = settings.network.of(settings.space)
        self._meter = CostMeter()
        self._group = ALONE
        self._started: _Started | None = None
        self._noticed, self._notes = Noticed(), list[str]()

    def _check_space(self, task: Task, space: object) -> None:
        """Check that the networks of the space can learn the task; the error says so if the task was guessed."""
        try:
            task.check_space(space)
        except TrainableError as error:
            if not self._guess:
                raise
            raise TrainableError(f"{error}; {self._guess}") from error

    def _configured(self, decided: Mapping[str, object]) -> tuple[LearnerSettings, Task]:
        """The settings of the training, and the task; what an architecture decides replaces what is given."""
        own = flat_settings(LearnerSettings)
        flat = {**self._given, **decided}
        made = make_task(self._task_name, {name: value for name, value in flat.items() if name not in own})
        recipe = made.recipe() if isinstance(made, Recommending) else {}
        mine = {name: value for name, value in flat.items() if name in own}
        return from_flat(LearnerSettings, {**recipe, **mine}), made

    def _arguments(self) -> Mapping[str, Any]:
        """What the data decide for the builder of a network."""
        return self._task.load(torch.device("cpu")).arguments()

    @property
    def task(self) -> Task:
        """What is learned."""
        return self._task

    def join(self, group: Group) -> None:
        """Train from the next set-up on as one process of `group`, with a share of every batch.

        Args:
            group: the processes that train together.

        Raises:
            TrainableError: the batch is too small for this number, or `device` names one GPU for all of them.
        """
        check_together(group.size, self._settings.batch_size, self._settings.device)
        self._group = group

    def check(self) -> None:
        """Read the data; `DataError` if there are none to train on, `DeviceError` without the device."""
        device_of(self._settings.device)
        self._task.check()

    def decided_by(self, space: Space) -> list[str]:
        """List the settings of a training that a space decides."""
        return self._decisions.names(space.declared)

    def check_decisions(self, space: Space) -> None:
        """Check the decisions of a space that are settings of a training; `TrainableError` if one cannot be."""
        self._decisions.check(space, self._given, self._configured)

    def about(self) -> list[str]:
        """Describe the data that are found and how they are split; reads them."""
        return [*([self._guess] if self._guess else []), *self._task.about()]

    def setup(self, architecture: Architecture, *, seed: int, max_epochs: int) -> None:
        """Load the data (once per process) and build the network; `step` then trains epoch 1."""
        check_number("seed", seed, 0, 2**63 - 1, whole=True)
        check_number("max_epochs", max_epochs, 1, whole=True)
        device = device_of(self._settings.device)
        decided, tree = self._decisions.parted(architecture)
        settings, task = self._configured(decided) if decided else (self._settings, self._task)
        if decided:
            check_together(self._group.size, settings.batch_size, settings.device)
        data = task.load(device)
        randomness = Randomness(seed, device)
        network = self._built(tree, data, randomness)
        cost = cost_of(network, data.example())
        network = placed(network, device)
        training = Training(network, task, data, _recipe(settings), randomness, max_epochs, self._group)
        identity = self._identity(settings, task, architecture, seed, max_epochs)
        self._noticed, self._notes = Noticed(), []
        self._started = _Started(training, cost, identity, settings, task, tree_of(tree), decided)

    def step(self) -> dict[str, float | int]:
        """Train one epoch.

        Returns:
            The metrics of the task on the validation examples (unless training learns from them too), `train_loss` and
            the primary metric as `train_..` over the epoch, `lr` at its end, and the cost of the network: `parameters`,
            `macs` (of one example), `model_bytes`.

        Raises:
            EndOfTraining: all epochs are trained.
        """
        training, cost = self._run.training, self._run.cost
        if training.epoch >= training.epochs:
            raise EndOfTraining(f"all {training.epochs} epochs are trained")
        trained = training.train_epoch()
        validated = {}
        if len(training.data.validation):
            validated = training.evaluate(training.data.validation, every=False)
            self._notes += self._noticed.new(training.remarks, is_last=training.epoch == training.epochs)
        return {
            **validated,
            **{f"train_{name}": value for name, value in trained.items()},
            "lr": training.rate,
            "parameters": cost.parameters,
            "macs": cost.macs,
            "model_bytes": cost.model_bytes,
        }

    def identity(self, architecture: Architecture, *, seed: int, max_epochs: int) -> dict[str, object]:
        """Collect what decides a training, besides the examples themselves. Needs no set-up.

        Args:
            architecture: a member of the space.
            seed: of the training.
            max_epochs: its epochs.

        Returns:
            Plain values by name. Two trainings with equal values on equal data give the same numbers on a CPU.
        """
        decided, _ = self._decisions.parted(architecture)
        settings, task = self._configured(decided) if decided else (self._settings, self._task)
        return self._identity(settings, task, architecture, seed, max_epochs)

    def evaluate(self, split: str) -> dict[str, float]:
        """Compute the metrics of the task on "train", "validation" or "test" (which no step sees), unaugmented."""
        training = self._run.training
        return training.evaluate(training.data.split(split))

    def pictures(self, split: str, count: int = 4) -> dict[str, bytes]:
        """Draw predictions for the first examples of a split beside the truth, where the task draws such pictures.

        Args:
            split: "train", "validation" or "test".
            count: the most examples.

        Returns:
            PNG files by their titles; none where the task draws none.
        """
        training = self._run.training
        task, data = training.task, training.data
        if not isinstance(task, Showing):
            return {}
        part = data.split(split)
        inputs, targets = part.rows(torch.arange(min(count, len(part)), device=data.device))
        network = training.network.eval()
        with torch.no_grad():
            outputs = task.applied(lambda one: task.heads(called(network, one))[0], data.normalize(inputs), data)
        return dict(task.pictures(inputs, targets, outputs, data))

    def notes(self) -> list[str]:
        """Take what was noticed since the last call, such as a class that is never predicted."""
        notes, self._notes = self._notes, []
        return notes

    @property
    def proxies(self) -> list[str]:
        """The names of `trainables.costs.zero_cost.PROXIES`."""
        return list(PROXIES)

    def zero_cost(self, architecture: Architecture, proxy: str, *, seed: int) -> float:
        """Score an untrained network by a zero-cost proxy, on `PROXY_EXAMPLES` training examples.

        Needs no set-up, and changes none.

        Args:
            architecture: a member of the space.
            proxy: one of `proxies`.
            seed: decides the examples and the initial weights.

        Returns:
            The score; greater is better.

        Raises:
            TrainableError: the proxy is unknown, or cannot be computed for a network with several inputs.
        """
        check_name("proxy", proxy, self.proxies)
        check_number("seed", seed, 0, 2**63 - 1, whole=True)
        device = device_of(self._settings.device)
        decided, tree = self._decisions.parted(architecture)
        task = self._configured(decided)[1] if decided else self._task
        data, randomness = task.load(device), Randomness(seed, device)
        network = self._built(tree, data, randomness).to(device)
        return proxy_score(network, task, data, proxy, randomness.generator, seed=seed)

    def cost(self, architecture: Architecture) -> Cost:
        """Count the cost of a network without running it. Loads the data; needs no set-up.

        Args:
            architecture: a member of the space.

        Returns:
            Its weights, multiply-accumulates of one example, and bytes.
        """
        decided, tree = self._decisions.parted(architecture)
        task = self._configured(decided)[1] if decided else self._task
        data = task.load(torch.device("cpu"))
        try:
            return self._meter.cost_of(lambda: self._build(tree, data), data.example())
        except (RuntimeError, NotImplementedError):
            # A network of one's own need not be made, or run, on the meta device.
            return cost_of(self._built(tree, data, Randomness(0, torch.device("cpu"))), data.example())

    @property
    def counts(self) -> list[str]:
        """The costs that are counted without running a network."""
        return [*_COUNTED, _PEAK]

    def costs(self, architecture: Architecture, names: Sequence[str]) -> dict[str, float]:
        """Count costs of a network without running it. Loads the data; needs no set-up.

        Args:
            architecture: a member of the space.
            names: of the costs, of `counts`.

        Returns:
            Each of them by its name.
        """
        found: dict[str, float] = {}
        if any(name in _COUNTED for name in names):
            counted = self.cost(architecture)
            found = {name: float(getattr(counted, of)) for name, of in _COUNTED.items() if name in names}
        if _PEAK in names:
            found[_PEAK] = float(self._peak_memory(architecture))
        return found

    def _peak_memory(self, architecture: Architecture) -> int:
        decided, tree = self._decisions.parted(architecture)
        task = self._configured(decided)[1] if decided else self._task
        data = task.load(torch.device("cpu"))
        try:
            with torch.device("meta"), Uninitialised():
                network = self._build(tree, data)
        except (RuntimeError, NotImplementedError):
            # A network of one's own need not be made on the meta device.
            network = self._built(tree, data, Randomness(0, torch.device("cpu")))
        return peak_memory(network, data.example())

    def connected(self, architecture: Architecture) -> bool:
        """Check whether the output of a network depends on its input. Loads the data; needs no set-up.

        Args:
            architecture: a member of the space.

        Returns:
            False where it is constant.
        """
        decided, tree = self._decisions.parted(architecture)
        task = self._configured(decided)[1] if decided else self._task
        data = task.load(torch.device("cpu"))
        try:
            with torch.device("meta"):
                network = self._build(tree, data)
        except (RuntimeError, NotImplementedError):
            return True  # a network of one's own need not be made on the meta device
        return depends_on_input(network, data.example())

    def untrained(self, architecture: Architecture) -> tuple[torch.nn.Module, Batch]:
        """Build a network with new weights. Loads the data; needs no set-up.

        Args:
            architecture: a member of the space.

        Returns:
            The network on the CPU, in evaluation mode, and one example of its inputs.
        """
        decided, tree = self._decisions.parted(architecture)
        task = self._configured(decided)[1] if decided else self._task
        data = task.load(torch.device("cpu"))
        return self._built(tree, data, Randomness(0, torch.device("cpu"))).eval(), data.example()

    def full_recipe(self) -> dict[str, Any]:
        """The settings of a full training: an average of the weights, an auxiliary head and drop path where networks
        have them, and what the task adds.
        """
        takes = inspect.signature(builder_of(self._settings.space)).parameters
        network = {"auxiliary": True, "drop_path": DROP_PATH}
        return {
            **self._task.full_recipe(),
            "ema": EMA,
            "network": {key: value for key, value in network.items() if key in takes},
        }

    def data_checksum(self) -> str:
        """Load the data and compute their checksum; needs no set-up.

        Returns:
            16 hex digits of all examples, whatever the split.
        """
        return self._task.checksum()

    @property
    def network(self) -> torch.nn.Module:
        """The network of this moment, in evaluation mode; it is in training mode only within `step`."""
        return self._run.training.network

    @property
    def data(self) -> TaskData:
        """The data of the training, on its device."""
        return self._run.training.data

    def normalize(self, inputs: Batch) -> Batch:
        """Bring inputs to the form that `network` takes.

        Args:
            inputs: as they are read.

        Returns:
            The inputs of the network.
        """
        return self._run.training.data.normalize(inputs)

    def deployed(self) -> Deployed:
        """The network with some training examples and what its user needs besides."""
        run, data = self._run, self._run.training.data
        return deployed(
            run.training.network,
            run.task,
            data,
            space=space_name(self._settings.space),
            architecture=run.tree,
            arguments=decided_arguments(self._settings.space, data.arguments()),
            network_settings=self._network,
            task_settings=self._kept_settings(),
        )

    def _kept_settings(self) -> dict[str, Any]:
        """The settings of the task that an exported folder keeps, those that the architecture decides among them."""
        own = flat_settings(LearnerSettings)
        flat = {**self._given, **self._run.decided}
        return kept_settings(self._run.task, {name: value for name, value in flat.items() if name not in own})

    def tuning(self) -> TaskTuning:
        """The data and the recipe, for a network that was made smaller."""
        return TaskTuning(self._run.task, self._run.training.data, _recipe(self._run.settings))

    def save(self, folder: Path) -> None:
        """Write weights, optimizer, random state and epoch into `folder`."""
        state = {"of": self._run.identity, "training": self._run.training.state_dict()}
        write_tensors(folder, self.kind, state)

    def load(self, folder: Path) -> None:
        """Continue from `folder`, which an equal training wrote; otherwise `CheckpointError`, and set up again."""
        state = read_tensors(folder, self.kind)
        check_identity(folder, state, self.kind, self._run.identity, self._older_identity(self._run.identity))
        try:
            self._run.training.load_state_dict(state["training"])
        except (RuntimeError, KeyError, ValueError, TypeError) as error:
            raise CheckpointError(f"{folder} does not fit this training: {error}; set up anew") from error

    @property
    def _run(self) -> _Started:
        if self._started is None:
            raise TrainableError(f"the {self.kind} was used before setup(); call setup() first")
        return self._started

    def _built(self, architecture: Any, data: TaskData, randomness: Randomness) -> torch.nn.Module:
        """The network for these data, untrained, on the CPU."""
        with randomness:
            return self._build(architecture, data)

    def _build(self, architecture: Any, data: TaskData) -> torch.nn.Module:
        decided = decided_arguments(self._settings.space, data.arguments())
        return build(self._settings.space, architecture, **{**decided, **self._network})

    def _identity(
        self, of: LearnerSettings, task: Any, architecture: Architecture, seed: int, max_epochs: int
    ) -> dict[str, object]:
        """What two trainings must share for one to go on from the other's checkpoint."""
        return {
            "version": 1,
            "space": space_name(of.space),
            "architecture": tree_of(architecture),
            "seed": seed,
            "max_epochs": max_epochs,
            "network": self._network,
            "batch_size": of.batch_size,
            "auxiliary_weight": of.auxiliary_weight,
            "ema": of.ema,
            **named(optimization=of.optimization),
            "task": task.name,
            **task.identity(),
        }

    def _older_identity(self, identity: Mapping[str, object]) -> dict[str, object]:
        """The identity in the form of checkpoints without a version, of which this trainable wrote none."""
        return {}


_COUNTED = {"parameters": "parameters", "macs": "macs", "size": "model_bytes"}
"""The field of `Cost` by the name of a quantity."""
_PEAK = "peak_memory"


def _recipe(of: LearnerSettings) -> Recipe:
    return Recipe(of.batch_size, of.auxiliary_weight, of.optimization, of.ema)


def _parted(task: object, settings: Mapping[str, object]) -> tuple[object, dict[str, object]]:
    """The name or class of a task, and its settings among those of a learner."""
    own = flat_settings(LearnerSettings)
    others = {}
    for name, value in settings.items():
        if name not in own and name != "task":
            others[name] = value
    if isinstance(task, Mapping):
        others = {**task, **others}
        task = others.pop("name", AUTO)
    return task, with_file(others, task)


@dataclass(frozen=True, slots=True)
class _Started:
    """What set-up makes."""

    training: Training
    cost: Cost
    identity: dict[str, object]
    settings: LearnerSettings
    task: Task
    tree: Any
    decided: Mapping[str, Any]
