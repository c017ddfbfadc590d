"""The port between a training and what is learned: a task says what the data are, what is lost and what counts.

A class follows `Task` if it has every member of it. One that is derived from `Task` inherits those that have a body
here: no augmentation, outputs without auxiliary heads, and so on. A task object holds settings only. Everything that
the data decide is in what `load` returns, and each method that needs it has it as its argument `data`, so that one task
serves several devices and threads.

    class Growth(Task):                                 # predicts one number from two inputs
        name, primary = "growth", "mae"
        metrics = (Metric("mae", "min", "mm"),)

        def load(self, device):
            return ...                                  # a TaskData; its rows are ({"image": .., "age": ..}, heights)

        def loss(self, outputs, targets, data):
            return functional.huber_loss(outputs[:, 0], targets)

        def meter(self, data, names):
            return Means({"mae": lambda outputs, targets: (outputs[:, 0] - targets).abs().sum()}, names)

`Means` is in `trainables.tasks.meters`. `Learner(task=Growth)` trains networks of any space on it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, runtime_checkable

from trainables.metrics import Metric

if TYPE_CHECKING:
    from pathlib import Path

    import torch
    from torch import Tensor

    from trainables.training.batches import Batch
    from trainables.training.parallel import Group

__all__ = [
    "Choosing",
    "Drawing",
    "Located",
    "Meter",
    "Metric",
    "Part",
    "Placing",
    "Recommending",
    "Refitting",
    "Showing",
    "Starting",
    "Task",
    "TaskData",
    "Writing",
]


class Part(Protocol):
    """The examples of one part of the data: those for training, for validation or for testing.

    A part that can prepare coming batches while one is used follows `trainables.training.fetching.Fetching` too.
    """

    def __len__(self) -> int:
        """Count the examples."""

    def rows(self, index: Tensor) -> tuple[Batch, Batch]:
        """Take examples, as they are before augmentation and normalisation.

        Args:
            index: (k,), int64, numbers of examples in any order, on the device of the data.

        Returns:
            The inputs and the targets, each a tensor, a tuple or a dict of tensors (k, ...) on that device.
        """


class TaskData(Protocol):
    """The data of a task in three parts, on a device."""

    @property
    def name(self) -> str:
        """The name or path of the data."""

    @property
    def device(self) -> torch.device:
        """The device on which `Part.rows` returns tensors."""

    @property
    def train(self) -> Part:
        """The examples for training."""

    @property
    def validation(self) -> Part:
        """The examples for validation; none where training uses them too."""

    @property
    def test(self) -> Part:
        """The examples for testing, which no search sees."""

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes in the order of their numbers; empty where there are none."""

    @property
    def groups(self) -> Mapping[str, Tensor]:
        """The number of the group of each example, (n,), by the name of the part; empty where there are no groups."""

    def split(self, name: str) -> Part:
        """Look up a part.

        Args:
            name: "train", "validation" or "test".

        Returns:
            The part, with at least one example.

        Raises:
            DataError: there is no such part, or it has no example.
        """

    def arguments(self) -> Mapping[str, Any]:
        """Return what the data decide for the builder of a network.

        Returns:
            Keyword arguments of the builder, such as `{"num_classes": 10}`.
        """

    def normalize(self, inputs: Batch) -> Batch:
        """Bring inputs to the form that networks take.

        Args:
            inputs: inputs as `Part.rows` returns them.

        Returns:
            The inputs of the network.
        """

    def example(self) -> Batch:
        """Return the inputs of one example, as networks take them.

        Returns:
            Normalised inputs whose dimension 0 is 1, on the device of the data.
        """


class Meter(Protocol):
    """Measures one pass over a part of the data. Nothing waits for the device before `result`."""

    def add(self, outputs: Batch, targets: Batch) -> None:
        """Add a batch.

        Args:
            outputs: outputs of the network, detached.
            targets: the targets of the same examples.
        """

    def merge(self, group: Group, device: torch.device) -> None:
        """Make this the meter of all batches of all processes; every process calls it, once, after its last batch.

        Args:
            group: the processes that evaluate together; one process alone has nothing to merge.
            device: the device on which the processes communicate.
        """

    def result(self) -> dict[str, float]:
        """Compute the metrics of everything that was added.

        Returns:
            The values by the names of the metrics. A metric that has no value here is left out.
        """


@runtime_checkable
class Located(Protocol):
    """A task that finds any number of things somewhere in an input, such as boxes: `decode` returns a list for each
    example, and in it a dict for each thing. `read` brings inputs to another size, so that the places change.
    """

    def located(self, values: Any, x: Any, like: Batch) -> Any:
        """Bring predictions to the inputs as they were given.

        Args:
            values: what `decode` returned.
            x: what `read` was given.
            like: raw inputs, as for `read`.

        Returns:
            The predictions of the same form.
        """


@runtime_checkable
class Placing(Protocol):
    """A task whose predictions have axes, such as masks. Its `read` may turn inputs to the axes of the training."""

    def placed(self, values: Any, x: Any, data: Any) -> Any:
        """Turn predictions to the axes of the inputs as they were given.

        Args:
            values: what `decode` returned, as arrays.
            x: what `read` was given.
            data: what `load` or `restored` returned.

        Returns:
            The predictions.
        """


@runtime_checkable
class Drawing(Protocol):
    """A task whose predictions can be drawn into the inputs."""

    def draw(self, values: Any, x: Any, target: Path, classes: Sequence[str]) -> list[Path]:
        """Draw predictions.

        Args:
            values: what `located` returned, or `decode` where the task has no such method.
            x: what `read` was given.
            target: the file to write, whose ending is that of a picture.
            classes: the names of all classes.

        Returns:
            The files that were written.
        """


@runtime_checkable
class Writing(Protocol):
    """A task whose predictions are no rows of a table, such as masks."""

    def write(self, values: Any, x: Any, target: Path) -> list[Path]:
        """Write predictions.

        Args:
            values: what `decode` returned.
            x: what `read` was given; None for examples of the data of the training.
            target: the file or folder to write.

        Returns:
            The files that were written.
        """


@runtime_checkable
class Showing(Protocol):
    """A task of whose predictions a few pictures beside the truth say more than numbers."""

    def pictures(self, inputs: Batch, targets: Batch, outputs: Batch, data: Any) -> Mapping[str, bytes]:
        """Draw examples.

        Args:
            inputs: raw inputs of a few examples.
            targets: their targets.
            outputs: outputs of the network for them.
            data: what `load` returned.

        Returns:
            PNG files by a title of a few words.
        """


@runtime_checkable
class Refitting(Protocol):
    """A task whose outputs a linear layer can give that is fitted by regression, without steps of an optimizer."""

    def regressed(self, targets: Any, data: Any) -> Tensor:
        """Turn targets into what the outputs of the network should be.

        Args:
            targets: of some examples, as parts of the data have them.
            data: what `load` returned.

        Returns:
            (n, outputs), floats on the device of the targets.
        """


@runtime_checkable
class Recommending(Protocol):
    """A task that has better defaults for its training than those of `LearnerSettings`."""

    def recipe(self) -> Mapping[str, object]:
        """Choose settings of the training; what a user gives replaces them.

        Returns:
            Settings of `LearnerSettings` by name, such as `{"optimizer": "adamw"}`.
        """


@runtime_checkable
class Starting(Protocol):
    """A task that knows which of its settings a first search on its data needs."""

    def starting(self) -> Mapping[str, object]:
        """Look at the data, and choose settings of the task that a starter configuration then has.

        Returns:
            Settings by name; none where the defaults do.
        """


@runtime_checkable
class Choosing(Protocol):
    """A task whose data decide which of several spaces fits them, such as images or volumes."""

    def fitting(self, space: str) -> str:
        """Choose a space for a first search.

        Args:
            space: the name of the space that a starter has.

        Returns:
            The same name, or that of the space with the same settings whose networks take these data.
        """


class Task(Protocol):
    """What is learned. The constructor takes the settings as keyword arguments, checks them and loads nothing."""

    @property
    def name(self) -> str:
        """The name of the task, such as "classification"."""

    @property
    def metrics(self) -> Sequence[Metric]:
        """Every metric that `meter` can measure, each declared once."""

    @property
    def primary(self) -> str:
        """The name of the metric that a search optimizes unless another one is given."""

    supernet_defaults: ClassVar[Mapping[str, object]] = MappingProxyType({})
    """Settings of the task whose defaults differ while a supernet is searched, such as how much is for validation."""

    fixed_settings: ClassVar[Collection[str]] = frozenset({"data", "target"})
    """Settings that no space may decide for an architecture: those by which the examples would differ."""

    has_large_outputs: ClassVar[bool] = False
    """Whether outputs take far more memory than what `decode` makes of them, a tensor. Then few examples are decoded at
    once, and there are no probabilities.
    """

    def load(self, device: torch.device) -> TaskData:
        """Load the data; a process that calls this again with equal settings should not read them again.

        Args:
            device: where `Part.rows` returns tensors.

        Returns:
            The data in three parts.

        Raises:
            DataError: the data are missing, damaged or cannot be split.
        """

    def loss(self, outputs: Batch, targets: Batch, data: Any) -> Tensor:
        """Compute the loss that training minimizes.

        Args:
            outputs: outputs of the network for a batch.
            targets: the targets of the same examples.
            data: what `load` returned.

        Returns:
            The mean loss over the batch, a scalar that has a gradient.
        """

    def meter(self, data: Any, names: Sequence[str]) -> Meter:
        """Make a meter.

        Args:
            data: what `load` returned.
            names: names of the metrics to measure, out of `metrics`; training asks for fewer than an evaluation.

        Returns:
            A meter without a batch.
        """

    def augment(self, inputs: Batch, targets: Batch, data: Any, generator: torch.Generator) -> tuple[Batch, Batch]:
        """Change a batch of training examples at random, before they are normalised; by default not at all.

        Args:
            inputs: inputs as `Part.rows` returns them; they stay unchanged.
            targets: their targets; they stay unchanged.
            data: what `load` returned.
            generator: random numbers, on the device of the data. All random numbers must come from it.

        Returns:
            The new inputs and targets.
        """
        return inputs, targets

    def order(self, data: Any, generator: torch.Generator) -> Tensor:
        """Draw the training examples of an epoch in their order; by default each comes once.

        Args:
            data: what `load` returned.
            generator: random numbers, on the device of the data. All random numbers must come from it.

        Returns:
            Numbers of examples, (k,), int64: the number of examples of an epoch.
        """
        import torch

        return torch.randperm(len(data.train), generator=generator, device=data.device)

    def heads(self, outputs: Batch) -> tuple[Batch, Sequence[Batch]]:
        """Separate what counts from the outputs of auxiliary heads; by default there are none.

        Args:
            outputs: everything that the network returned.

        Returns:
            The outputs of the network, and those of its auxiliary heads, each of which has a loss of its own.
        """
        return outputs, ()

    def most_at_once(self, data: Any) -> int:
        """Limit the examples that are evaluated or predicted together, by the memory that one takes.

        Args:
            data: what `load` or `restored` returned.

        Returns:
            The most examples of a batch that needs no gradient.
        """
        return 512

    def applied(self, run: Callable[[Batch], Batch], inputs: Batch, data: Any) -> Batch:
        """Run a network to evaluate it or to predict; by default once.

        Args:
            run: maps inputs of the network to its outputs, without those of auxiliary heads.
            inputs: normalised inputs, or raw ones of an exported file that normalises inside.
            data: what `load` or `restored` returned.

        Returns:
            Outputs, such as means over windows of a larger input.
        """
        return run(inputs)

    def decode(self, outputs: Batch, data: Any) -> Any:
        """Translate outputs into what a person reads; by default the outputs themselves.

        Args:
            outputs: outputs of the network for a batch.
            data: what `load` or `restored` returned.

        Returns:
            Such as the name of a class for each example.
        """
        return outputs

    def reward(self, outputs: Batch, targets: Batch, data: Any) -> Tensor:
        """Compute what a search that learns from rewards maximizes on a batch; by default the negative loss.

        Args:
            outputs: outputs of the network for a batch, detached.
            targets: the targets of the same examples.
            data: what `load` returned.

        Returns:
            A scalar; greater is better. It needs no gradient.
        """
        return -self.loss(outputs, targets, data)

    def distillation(self, outputs: Batch, teacher: Batch, data: Any) -> Tensor:
        """Compute the loss by which a network learns the outputs of another one; by default their mean squared error.

        Args:
            outputs: outputs of the network that learns.
            teacher: outputs of the network that teaches, for the same examples, detached.
            data: what `load` returned.

        Returns:
            The mean loss over the batch, a scalar that has a gradient.
        """
        from torch.nn import functional

        from trainables.training.batches import tensors_of

        pairs = zip(tensors_of(outputs), tensors_of(teacher), strict=True)
        losses = [functional.mse_loss(one.float(), wanted.float()) for one, wanted in pairs]
        return sum(losses[1:], losses[0])

    def full_recipe(self) -> Mapping[str, object]:
        """Choose settings of this task for the full training of a winner; by default none. It may read the data.

        Returns:
            Settings of the task by name, such as `{"whole": True}` to learn from the validation examples too.
        """
        return {}

    def exported(self, data: Any) -> Mapping[str, Any]:
        """Return facts for users of a trained network about its inputs and outputs; by default nothing.

        What `normalize` of the data does to raw inputs becomes a part of exported files by itself.

        Args:
            data: what `load` returned.

        Returns:
            Attributes of `trainables.export.deployed.Deployed` by name, such as `mean` and `std`, `meanings`, or
            `reading`, which is what `restored` needs.
        """
        return {}

    def restored(self, reading: Mapping[str, Any], classes: Sequence[str], *, finished: bool) -> Any:
        """Make what `read` and `decode` need of the data from an exported folder, which does not hold the data.

        Args:
            reading: what `exported` returned as `reading`, as JSON has it.
            classes: the names of the classes; empty where there are none.
            finished: whether outputs are finished (`Deployed.finish`); scaled outputs have their own units anyway.

        Returns:
            An object for the argument `data` of these two methods. With a method `normalize` it allows to use a file
            whose inputs have to be prepared. By default it has `classes` and `reading` alone.
        """
        from trainables.tasks.reading import Restored

        return Restored(tuple(classes), dict(reading))

    def read(self, x: Any, like: Batch, data: Any) -> tuple[Batch, Sequence[str]]:
        """Read inputs without targets, to predict from them; by default arrays and tensors, or `.npz` files of them.

        Args:
            x: what a user gives; a task reads the forms of data that it learns from.
            like: raw inputs without or with examples, which show the form, the shapes and the types.
            data: what `load` or `restored` returned.

        Returns:
            The raw inputs on the CPU, as `Part.rows` returns them, and names of the examples; no names where the
            numbers of the rows say all.

        Raises:
            DataError: there are no inputs, or they are unlike those of the training; the message names the difference.
        """
        from trainables.tasks.reading import arrays_like

        return arrays_like(x, like), []

    def probabilities(self, outputs: Batch, data: Any) -> Tensor | None:
        """Translate outputs into a probability for each class.

        Args:
            outputs: outputs of the network for a batch.
            data: what `load` or `restored` returned.

        Returns:
            (n, classes), with a sum of one in each row where classes exclude each other; by default None.
        """
        return None

    def check_space(self, space: object) -> None:
        """Check whether the networks of a space can learn this task; nothing is loaded. By default every space passes.

        Args:
            space: the name of a space, or a `Space` of that name.

        Raises:
            TrainableError: the networks take other inputs; the message names the spaces that fit.
        """

    def check(self) -> None:
        """Check, before the first trial, whether every `load` would fail; by default this loads the data to the CPU.

        Raises:
            DataError: the data are missing, damaged or cannot be split.
        """
        import torch

        self.load(torch.device("cpu"))

    def about(self) -> list[str]:
        """Describe the data for a person. It may read them.

        Returns:
            One line for each fact; by default none.
        """
        return []

    def checksum(self) -> str:
        """Compute a checksum of all data, however they are split. It may read them.

        Returns:
            16 hexadecimal digits; by default nothing, which tells no data apart.
        """
        return ""

    def identity(self) -> Mapping[str, object]:
        """Return what two trainings must share for one to continue from a checkpoint of the other.

        Returns:
            Plain values by name; by default those of the settings that are plain values.
        """
        plain = {key.lstrip("_"): value for key, value in vars(self).items()}
        return {key: value for key, value in plain.items() if isinstance(value, str | int | float | bool | None)}
