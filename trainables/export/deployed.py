"""A trained network with everything that its use needs, apart from the training."""

from __future__ import annotations

import keyword
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor, nn

from trainables.errors import TrainableError
from trainables.export.naming import named_inputs
from trainables.export.resizing import Sizes
from trainables.training.batches import Batch

__all__ = ["Deployed", "check_deployed"]

_FEWEST = 3


@dataclass(frozen=True)
class Deployed:
    """A trained network that can be exported.

    Inputs and outputs are a tensor, a tuple of tensors, or a dict of tensors by name; dimension 0 of each is the batch.
    A network gets the tensors of a tuple as its arguments, and those of a dict as its keyword arguments.

    Attributes:
        network: the module.
        inputs: at least three examples as the network expects them, (n, ...).
        space: the name of the space of the architecture.
        architecture: the tree of the architecture.
        settings: further arguments of `trainables.build`; None where it cannot build this network.
        classes: names of the outputs, in order.
        mean: of the raw inputs, one number per channel; the network expects `(raw - mean) / std`.
        std: standard deviation of the raw inputs, one number per channel.
        data: the data of the training, in words.
        splits: number of examples in each split of the data.
        layers: attributes of layers that were made smaller after `trainables.build`, by the paths of the layers.
        raw_dtype: dtype of the raw inputs of the training, such as "uint8"; empty if unknown.
        raw_range: smallest and greatest raw input, such as (0, 255); empty if unknown.
        output_mean: of the targets, one number per output; the network gives `(target - mean) / std`. Empty where
            outputs have no such scale.
        output_std: standard deviation of the targets, one number per output.
        is_scaled: whether the network gives targets in their own units all the same (see `export.outputs.in_units`).
        prepare: maps raw inputs to those of the network, by operations of torch on the CPU; None where `mean` and `std`
            or nothing does. An exported file does it inside.
        raw: with `prepare`, at least three examples of raw inputs.
        finish: maps the outputs of the network, scaled where they have a scale, to what an exported file returns, such
            as `torch.exp`; None where that is the same.
        meanings: what the raw inputs mean, in words, by their names; and under "output" what the outputs mean.
        task: the name of the task that was learned, or "module:Class"; empty where it is not known.
        pipeline: the kind of task among those of the Hugging Face Hub, such as "image-classification"; empty where it
            has none.
        task_settings: settings of the task, those that JSON can hold.
        reading: what users of the exported files need to read inputs and outputs, as JSON can hold it.
    """

    network: nn.Module
    inputs: Batch
    space: str
    architecture: Any
    settings: Mapping[str, Any] | None = None
    classes: tuple[str, ...] = ()
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    data: str = ""
    splits: Mapping[str, int] = field(default_factory=dict)
    layers: Sizes = field(default_factory=dict)
    raw_dtype: str = ""
    raw_range: tuple[float, ...] = ()
    output_mean: tuple[float, ...] = ()
    output_std: tuple[float, ...] = ()
    is_scaled: bool = False
    prepare: Callable[[Batch], Batch] | None = None
    raw: Batch = None
    finish: Callable[[Batch], Batch] | None = None
    meanings: Mapping[str, str] = field(default_factory=dict)
    task: str = ""
    pipeline: str = ""
    task_settings: Mapping[str, Any] = field(default_factory=dict)
    reading: Mapping[str, Any] = field(default_factory=dict)

    @property
    def standardizes(self) -> bool:
        """Whether raw inputs have to be standardized before the network, which an exported file can do."""
        return bool(self.mean) and isinstance(self.inputs, Tensor) and self.inputs.is_floating_point()

    @property
    def changes(self) -> bool:
        """Whether raw inputs or outputs differ from those of the network, which an exported file can do."""
        return self.standardizes or self.prepare is not None or self.finish is not None

    @property
    def named(self) -> dict[str, Tensor]:
        """The examples by the names of the inputs."""
        return named_inputs(self.network, self.inputs)


def check_deployed(deployed: object, trainable: object) -> Deployed:
    """Check what a trainable hands out for an export.

    Args:
        deployed: the result of `trainable.deployed()`.
        trainable: the trainable, for messages.

    Returns:
        `deployed`.

    Raises:
        TrainableError: it cannot be exported; the message gives the rule that it breaks.
    """
    name = f"{type(trainable).__name__}.deployed()"
    if not isinstance(deployed, Deployed):
        raise TrainableError(f"{name} gave a {type(deployed).__name__}; it must give a trainables.export.Deployed")
    if not isinstance(deployed.network, nn.Module):
        raise TrainableError(f"{name}: network is a {type(deployed.network).__name__}; it must be an nn.Module")
    _check_examples(f"{name}: inputs", deployed.inputs, "as the network expects them")
    if deployed.prepare is not None:
        _check_examples(f"{name}: raw", deployed.raw, "as `prepare` takes them")
    one_tensor = isinstance(deployed.inputs, Tensor) and deployed.inputs.dim() > 1
    if len(deployed.mean) != len(deployed.std) or (deployed.mean and not one_tensor):
        raise TrainableError(
            f"{name}: mean has {len(deployed.mean)} numbers and std {len(deployed.std)}; both have one for each channel"
        )
    if deployed.mean and deployed.prepare is not None:
        raise TrainableError(f"{name}: mean and prepare both say how raw inputs are changed; give one of them")
    return deployed


def _check_examples(name: str, examples: object, how: str) -> None:
    """Check that examples are one or several tensors of at least three rows each, as many in one as in another."""
    rule = f"{name} must be a tensor of at least three examples, {how}, or a tuple or dict of such tensors"
    if not isinstance(examples, Tensor | tuple | dict) or (not isinstance(examples, Tensor) and not examples):
        raise TrainableError(rule)
    for part in examples if isinstance(examples, dict) else ():
        if not isinstance(part, str) or not part.isidentifier() or keyword.iskeyword(part):
            raise TrainableError(f"{name} has the name {part!r}; each name must be one of an argument, such as 'image'")
    counts: set[int] = set()
    parts = examples.values() if isinstance(examples, dict) else examples
    for one in (examples,) if isinstance(examples, Tensor) else parts:
        if not isinstance(one, Tensor) or one.dim() < 1 or len(one) < _FEWEST:
            raise TrainableError(rule)
        counts.add(len(one))
    if len(counts) > 1:
        raise TrainableError(f"{name} have {' and '.join(map(str, sorted(counts)))} examples; give as many of each")
