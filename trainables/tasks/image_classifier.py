"""The standard trainable: train an image classifier of one architecture, an epoch a step.

    classifier = ImageClassifier(space="nb201", data="digits")
    classifier.setup(architecture, seed=0, max_epochs=9)
    for _ in range(9):
        print(classifier.step()["accuracy"])
    print(classifier.evaluate("test"))

Images lie on the device, where batches are drawn and augmented. On a CPU the same seed gives the same numbers, and a
training that continues from a checkpoint gives the numbers of one that was never stopped, to the last bit. On CUDA that
is not promised. No call changes torch's global random state. Several processes may train one network together (`join`);
all of them then call `step` and `evaluate`.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Unpack

import torch

from trainables.costs.cost import Cost, Meter, cost_of
from trainables.costs.zero_cost import PROXIES, score
from trainables.data import ImageData, check_data, described, load, load_raw
from trainables.errors import CheckpointError, EndOfTraining, TrainableError
from trainables.metrics import MODES, Mode
from trainables.networks import build, builder_of, space_name, tree_of
from trainables.settings import check_name, check_number
from trainables.settings.groups import from_flat, takes
from trainables.tasks.classifier_settings import ClassifierKeywords, ClassifierSettings
from trainables.training.devices import device_of, layout_of, placed
from trainables.training.loop import Recipe, Training
from trainables.training.parallel import ALONE, Group, check_together
from trainables.training.randomness import Randomness
from trainables.trial.checkpoint import check_identity, named, read_tensors, write_tensors
from trainables.trial.older_identities import as_text

if TYPE_CHECKING:
    from search_spaces.architecture import Architecture
    from trainables.export.deployed import Deployed
    from trainables.tasks.image_tuning import ImageTuning

__all__ = ["ImageClassifier"]

PROXY_IMAGES = 64
"""How many images a zero-cost proxy sees."""

EMA = 0.999
DROP_PATH = 0.2
LABEL_SMOOTHING = 0.1
CUTOUT_SHARE = 4
"""In a full recipe the square that cutout clears has a quarter of the image's side."""

_FILE = "classifier"


class ImageClassifier:
    """A network of `space` trained on the images of `data`.

    Args:
        settings: those of `ClassifierSettings`, side by side: `space` and the network's (`NetworkSettings`), `data` and
            how it is parted (`DataSettings`), how weights are trained (`Optimization`), and views (`Views`).
    """

    parallel: ClassVar[bool] = True
    modes: ClassVar[Mapping[str, Mode]] = MODES

    @takes(ClassifierSettings)
    def __init__(self, **settings: Unpack[ClassifierKeywords]) -> None:
        self._settings = from_flat(ClassifierSettings, settings)
        self._network = self._settings.network.of(self._settings.space)
        self._meter = Meter()
        self._group = ALONE
        self._started: _Started | None = None

    def join(self, group: Group) -> None:
        """Train from the next set-up on as one process of `group`, with a share of every batch.

        Raises:
            TrainableError: the batch is too small for so many, or `device` names one GPU for all of them.
        """
        check_together(group.size, self._settings.batch_size, self._settings.device)
        self._group = group

    def check(self) -> None:
        """Read the data; `DataError` if there are none to train on, `DeviceError` without the device."""
        device_of(self._settings.device)
        check_data(self._settings.data)

    def about(self) -> list[str]:
        """Describe the images that are found and how they are parted; reads them."""
        return described(self._settings.data)

    def setup(self, architecture: Architecture, *, seed: int, max_epochs: int) -> None:
        """Load the data (once per process) and build the network; `step` then trains epoch 1."""
        check_number("seed", seed, 0, 2**63 - 1, whole=True)
        check_number("max_epochs", max_epochs, 1, whole=True)
        device = device_of(self._settings.device)
        data = load(self._settings.data, device)
        randomness = Randomness(seed, device)
        network = self._built(architecture, data, randomness)
        cost = cost_of(network, (data.in_channels, *data.image_size))
        network = placed(network, device)
        training = Training(network, data, self._recipe(data), randomness, max_epochs, self._group)
        self._started = _Started(training, cost, self._identity(architecture, seed, max_epochs))

    def step(self) -> dict[str, float | int]:
        """Train one epoch.

        Returns:
            `accuracy` and `loss` on the validation images (unless the setting `whole` trains on them), `train_loss` and
            `train_accuracy` over the epoch, `lr` at its end, and the cost of the network: `parameters`, `macs` (of one
            image), `model_bytes`.

        Raises:
            EndOfTraining: all epochs are trained.
        """
        training, cost = self._run.training, self._run.cost
        if training.epoch >= training.epochs:
            raise EndOfTraining(f"all {training.epochs} epochs are trained")
        trained = training.train_epoch()
        return {
            **({} if self._settings.data.whole else self.evaluate("validation")),
            "train_loss": trained.loss,
            "train_accuracy": trained.accuracy,
            "lr": training.rate,
            "parameters": cost.parameters,
            "macs": cost.macs,
            "model_bytes": cost.model_bytes,
        }

    def evaluate(self, split: str) -> dict[str, float]:
        """`accuracy` and `loss` on "train", "validation" or "test" (which no step sees), unaugmented."""
        training = self._run.training
        score = training.evaluate(training.data.split(split))
        return {"accuracy": score.accuracy, "loss": score.loss}

    @property
    def proxies(self) -> list[str]:
        """The names of `trainables.costs.zero_cost.PROXIES`."""
        return list(PROXIES)

    def zero_cost(self, architecture: Architecture, proxy: str, *, seed: int) -> float:
        """Score an untrained network by a zero-cost proxy, on `PROXY_IMAGES` training images.

        Needs no set-up, and changes none.

        Args:
            architecture: a member of the space.
            proxy: one of `proxies`.
            seed: decides the images and the initial weights.

        Returns:
            The score; greater is better.

        Raises:
            TrainableError: the proxy is unknown.
        """
        check_name("proxy", proxy, self.proxies)
        check_number("seed", seed, 0, 2**63 - 1, whole=True)
        device = device_of(self._settings.device)
        data, randomness = load(self._settings.data, device), Randomness(seed, device)
        network = self._built(architecture, data, randomness).to(device)
        batch = data.train.sampled(PROXY_IMAGES, randomness.generator)
        images = data.normalize(batch.images, layout_of(network, device))
        return score(network, images, batch.labels, proxy, seed=seed)

    def cost(self, architecture: Architecture) -> Cost:
        """Count the cost of a network without running it. Loads the data; needs no set-up.

        Args:
            architecture: a member of the space.

        Returns:
            Its weights, multiply-accumulates of one image, and bytes.
        """
        data = load(self._settings.data, torch.device("cpu"))
        one = torch.empty((1, data.in_channels, *data.image_size), device="meta")
        return self._meter.cost_of(lambda: self._build(architecture, data), one)

    def image_shape(self) -> tuple[int, int, int]:
        """Load the images and read their shape; needs no set-up.

        Returns:
            Channels, height and width.
        """
        channels, height, width = load_raw(self._settings.data).train.images.shape[1:]
        return int(channels), int(height), int(width)

    def full_recipe(self) -> dict[str, Any]:
        """The recipe of the field for small images (Zoph et al. 2018, 1707.07012; Liu et al. 2019, 1806.09055).

        All images but the test images, cutout, label smoothing, the average of the weights, and an auxiliary head and
        drop path where the builder of the networks takes them.
        """
        takes = inspect.signature(builder_of(self._settings.space)).parameters
        network = {"auxiliary": True, "drop_path": DROP_PATH}
        return {
            "whole": True,
            "cutout": max(1, min(self.image_shape()[1:]) // CUTOUT_SHARE),
            "ema": EMA,
            "label_smoothing": LABEL_SMOOTHING,
            "network": {key: value for key, value in network.items() if key in takes},
        }

    def data_checksum(self) -> str:
        """Load the images and compute their checksum; needs no set-up.

        Returns:
            16 hex digits of all images and labels, whatever the split.
        """
        return load_raw(self._settings.data).checksum()

    @property
    def network(self) -> torch.nn.Module:
        """The network of this moment, in evaluation mode; it is in training mode only within `step`."""
        return self._run.training.network

    def normalize(self, images: torch.Tensor) -> torch.Tensor:
        """Standardize images for `network`.

        Args:
            images: as they are read, (n, channels, height, width).

        Returns:
            The images as float32, standardized by the training images.
        """
        return self._run.training.data.normalize(images)

    def deployed(self) -> Deployed:
        """The network with some training images, the names of the classes and what normalises images."""
        from trainables.export.deployed import Deployed

        training, data = self._run.training, self._run.training.data
        splits = {"train": len(data.train), "validation": len(data.validation), "test": len(data.test)}
        task = {"num_classes": len(data.classes), "in_channels": data.in_channels, "image_size": list(data.image_size)}
        return Deployed(
            training.network,
            data.normalize(data.train.images[:4]),
            space_name(self._settings.space),
            self._run.identity["architecture"],
            {**task, **self._network},
            data.classes,
            tuple(data.mean.flatten().tolist()),
            tuple(data.std.flatten().tolist()),
            data.name,
            splits,
            raw_dtype=str(data.train.images.dtype).removeprefix("torch."),
            raw_range=(float(data.train.images.min()), float(data.train.images.max())),
        )

    def tuning(self) -> ImageTuning:
        """The images and the recipe, for a network that was made smaller."""
        from trainables.tasks.image_tuning import ImageTuning

        data = self._run.training.data
        return ImageTuning(data, self._recipe(data))

    def save(self, folder: Path) -> None:
        """Write weights, optimizer, random state and epoch into `folder`."""
        state = {"of": self._run.identity, "training": self._run.training.state_dict()}
        write_tensors(folder, _FILE, state)

    def load(self, folder: Path) -> None:
        """Continue from `folder`, which an equal training wrote; otherwise `CheckpointError`, and set up anew."""
        state = read_tensors(folder, _FILE)
        check_identity(folder, state, "classifier", self._run.identity, self._older_identity(self._run.identity))
        try:
            self._run.training.load_state_dict(state["training"])
        except (RuntimeError, KeyError, ValueError, TypeError) as error:
            raise CheckpointError(f"{folder} does not fit this training: {error}; set up anew") from error

    @property
    def _run(self) -> _Started:
        if self._started is None:
            raise TrainableError("the classifier was used before setup(); call setup() first")
        return self._started

    def _built(self, architecture: Architecture, data: ImageData, randomness: Randomness) -> torch.nn.Module:
        """The network for these images, untrained, on the CPU."""
        with randomness:
            return self._build(architecture, data)

    def _build(self, architecture: Architecture, data: ImageData) -> torch.nn.Module:
        return build(
            self._settings.space,
            architecture,
            num_classes=len(data.classes),
            in_channels=data.in_channels,
            image_size=data.image_size,
            **self._network,
        )

    def _recipe(self, data: ImageData) -> Recipe:
        of = self._settings
        return Recipe(
            batch_size=of.batch_size,
            label_smoothing=of.label_smoothing,
            auxiliary_weight=of.auxiliary_weight,
            augmentation=of.views.augmentation(data),
            optimization=of.optimization,
            ema=of.ema,
        )

    def _identity(self, architecture: Architecture, seed: int, max_epochs: int) -> dict[str, object]:
        """What two trainings must share for one to go on from the other's checkpoint."""
        of = self._settings
        return {
            "version": 1,
            "space": space_name(of.space),
            "architecture": tree_of(architecture),
            "seed": seed,
            "max_epochs": max_epochs,
            "network": self._network,
            "batch_size": of.batch_size,
            "label_smoothing": of.label_smoothing,
            "auxiliary_weight": of.auxiliary_weight,
            "ema": of.ema,
            **named(data=of.data, views=of.views, optimization=of.optimization),
        }

    def _older_identity(self, identity: Mapping[str, object]) -> dict[str, object]:
        """The same, as checkpoints have it that were written before identities had a version."""
        of = self._settings
        kept = ("space", "architecture", "seed", "max_epochs", "network")
        losses = (of.batch_size, of.label_smoothing, of.auxiliary_weight)
        return {
            **{name: identity[name] for name in kept},
            "data": as_text(of.data),
            "training": as_text((*losses, of.views, of.optimization)),
            "whole": of.data.whole or None,
            "ema": of.ema or None,
        }


@dataclass(frozen=True, slots=True)
class _Started:
    """What set-up makes."""

    training: Training
    cost: Cost
    identity: dict[str, object]
