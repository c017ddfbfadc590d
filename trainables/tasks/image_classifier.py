"""The standard trainable: train an image classifier of one architecture, an epoch a step.

    classifier = ImageClassifier(space="nb201", data="digits")
    classifier.setup(architecture, seed=0, max_epochs=9)
    for _ in range(9):
        print(classifier.step()["accuracy"])
    print(classifier.evaluate("test"))

Images live on the device; batches are drawn and augmented there. On a CPU the same seed gives the same
numbers, and a training that goes on from a checkpoint gives the numbers of one that was never stopped, to the
last bit. On CUDA that is not promised. Torch's global random state is as it was after every call. Several processes
may train one together (`join`); then `step` and `evaluate` are called in all of them.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import torch

from trainables.costs.cost import Cost, Meter, cost_of
from trainables.costs.zero_cost import PROXIES, score
from trainables.data import DataSettings, ImageData, Views, check_data, described, load, load_raw
from trainables.errors import CheckpointError, EndOfTraining, TrainableError
from trainables.metrics import MODES, Mode
from trainables.networks import build, builder_of, check_images, sized_network, space_name, tree_of
from trainables.settings import check_name, check_number
from trainables.training.devices import check_device, device_of, layout_of, placed
from trainables.training.loop import Recipe, Training
from trainables.training.optimization import Optimization
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
        space: name of a space that has a network (`trainables.networks.names()`), or a `Space` so named.
        channels, cells, layers: size of the network, where its builder takes them; by default small ones for
            spaces of cells (`trainables.networks.family`), the builder's for others.
        network: further settings of the builder, such as `{"width": 0.5}` for `chain`.
        data, data_root, download, image_column, label_column, resize, validation_share, test_share, data_seed: the
            images and their parts; see `trainables.data.DataSettings`.
        whole: train on the validation images too, for a network whose settings are decided: then no step reports how
            it does on others, and `evaluate` knows "train" and "test" only.
        batch_size: images a step; the last, incomplete batch of an epoch is left out.
        optimizer, lr, weight_decay, momentum, warmup, grad_clip, amp: see `Optimization`.
        ema: decay a step of an average of the weights, such as 0.999, which is then what `network` is, what is judged
            and what is kept (see `WeightAverage`); 0 uses the weights as they are.
        auxiliary_weight: share of the loss of an auxiliary head, where the network was given one by
            `network={"auxiliary": True}` (Szegedy et al. 2015, 1409.4842; 0.4 in NASNet and DARTS).
        label_smoothing: part of the target spread over all classes (Szegedy et al. 2016, 1512.00567).
        shift, flip, cutout: see `Augmentation`; default shift is an eighth of the shorter side of the image.
        augment: False trains on the images as they are, whatever the three say.
        device: "auto" (CUDA where there is one, else the CPU), or a torch device; chosen at set-up.
    """

    parallel: ClassVar[bool] = True
    modes: ClassVar[Mapping[str, Mode]] = MODES

    def __init__(
        self,
        *,
        space: object = "nb201",
        channels: int | None = None,
        cells: int | None = None,
        layers: int | None = None,
        network: Mapping[str, object] | None = None,
        data: str = "digits",
        data_root: str | None = None,
        download: bool = False,
        image_column: str | None = None,
        label_column: str | None = None,
        resize: int | None = None,
        validation_share: float = 0.2,
        test_share: float = 0.2,
        data_seed: int = 0,
        whole: bool = False,
        batch_size: int = 32,
        optimizer: str = "sgd",
        lr: float = 0.05,
        weight_decay: float = 5e-4,
        momentum: float = 0.9,
        warmup: float = 0.03,
        grad_clip: float = 5.0,
        amp: bool = False,
        ema: float = 0.0,
        auxiliary_weight: float = 0.4,
        label_smoothing: float = 0.1,
        augment: bool = True,
        shift: int | None = None,
        flip: bool = False,
        cutout: int = 0,
        device: str = "auto",
    ) -> None:
        check_images(space)
        self._space = space
        self._network = sized_network(space, network, channels=channels, cells=cells, layers=layers)
        files = (image_column, label_column, resize)
        shares = (validation_share, test_share, data_seed)
        self._data = DataSettings(data, data_root, download, *files, *shares, whole)
        self._optimization = Optimization(optimizer, lr, weight_decay, momentum, warmup, grad_clip, amp)
        check_number("batch_size", batch_size, 2, whole=True)
        check_number("label_smoothing", label_smoothing, 0, 0.9)
        check_number("ema", ema, 0, 0.999999)
        check_number("auxiliary_weight", auxiliary_weight, 0)
        self._batch_size, self._label_smoothing, self._auxiliary_weight = batch_size, label_smoothing, auxiliary_weight
        self._ema = ema
        self._views = Views(augment, shift, flip, cutout)
        check_device(device)
        self._device = device
        self._meter = Meter()
        self._group = ALONE
        self._started: _Started | None = None

    def join(self, group: Group) -> None:
        """Train from the next set-up on as one process of `group`, with a share of every batch.

        Raises:
            TrainableError: the batch is too small for so many, or `device` names one GPU for all of them.
        """
        check_together(group.size, self._batch_size, self._device)
        self._group = group

    def check(self) -> None:
        """Read the data; `DataError` if there are none to train on, `DeviceError` without the device."""
        device_of(self._device)
        check_data(self._data)

    def about(self) -> list[str]:
        """Which images were found, and how they are parted; reads them."""
        return described(self._data)

    def setup(self, architecture: Architecture, *, seed: int, max_epochs: int) -> None:
        """Load the data (once per process), build the network, and stand before epoch 1."""
        check_number("seed", seed, 0, 2**63 - 1, whole=True)
        check_number("max_epochs", max_epochs, 1, whole=True)
        device = device_of(self._device)
        data = load(self._data, device)
        randomness = Randomness(seed, device)
        network = self._built(architecture, data, randomness)
        cost = cost_of(network, (data.in_channels, *data.image_size))
        network = placed(network, device)
        training = Training(network, data, self._recipe(data), randomness, max_epochs, self._group)
        self._started = _Started(training, cost, self._identity(architecture, seed, max_epochs))

    def step(self) -> dict[str, float | int]:
        """Train one epoch.

        Returns `accuracy` and `loss` on the validation images (unless the `whole` was trained on), `train_loss` and
        `train_accuracy` over the epoch as it went, `lr` at its end, and the cost of the network: `parameters`, `macs`
        (of one image), `model_bytes`.
        """
        training, cost = self._run.training, self._run.cost
        if training.epoch >= training.epochs:
            raise EndOfTraining(f"all {training.epochs} epochs are trained")
        trained = training.train_epoch()
        return {
            **({} if self._data.whole else self.evaluate("validation")),
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
        """What a proxy says of the untrained network, by `PROXY_IMAGES` of the training images as they are.

        `seed` decides which, and the initial weights; needs no set-up, and changes nothing of one.
        """
        check_name("proxy", proxy, self.proxies)
        check_number("seed", seed, 0, 2**63 - 1, whole=True)
        device = device_of(self._device)
        data, randomness = load(self._data, device), Randomness(seed, device)
        network = self._built(architecture, data, randomness).to(device)
        batch = data.train.sampled(PROXY_IMAGES, randomness.generator)
        images = data.normalize(batch.images, layout_of(network, device))
        return score(network, images, batch.labels, proxy, seed=seed)

    def cost(self, architecture: Architecture) -> Cost:
        """What the network of `architecture` would cost, counted and not run; loads the data, needs no set-up."""
        data = load(self._data, torch.device("cpu"))
        one = torch.empty((1, data.in_channels, *data.image_size), device="meta")
        return self._meter.cost_of(lambda: self._build(architecture, data), one)

    def image_shape(self) -> tuple[int, int, int]:
        """Channels, height and width of the images; loads them, needs no set-up."""
        channels, height, width = load_raw(self._data).train.images.shape[1:]
        return int(channels), int(height), int(width)

    def full_recipe(self) -> dict[str, Any]:
        """The recipe of the field for small images (Zoph et al. 2018, 1707.07012; Liu et al. 2019, 1806.09055).

        All images but the test images, cutout, label smoothing, the average of the weights, and an auxiliary head and
        drop path where the builder of the networks takes them.
        """
        takes = inspect.signature(builder_of(self._space)).parameters
        network = {"auxiliary": True, "drop_path": DROP_PATH}
        return {
            "whole": True,
            "cutout": max(1, min(self.image_shape()[1:]) // CUTOUT_SHARE),
            "ema": EMA,
            "label_smoothing": LABEL_SMOOTHING,
            "network": {key: value for key, value in network.items() if key in takes},
        }

    def data_checksum(self) -> str:
        """16 hex digits of all images and labels, whatever the split; loads them, needs no set-up."""
        return load_raw(self._data).checksum()

    @property
    def network(self) -> torch.nn.Module:
        """The network as it stands, in evaluation mode; only within `step` does it train."""
        return self._run.training.network

    def normalize(self, images: torch.Tensor) -> torch.Tensor:
        """Images as they were read, (n, channels, height, width), as `network` expects them: float32, standardized."""
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
            space_name(self._space),
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
        """Go on from `folder`, written by an equal training; otherwise `CheckpointError`, and set up anew."""
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
            self._space,
            architecture,
            num_classes=len(data.classes),
            in_channels=data.in_channels,
            image_size=data.image_size,
            **self._network,
        )

    def _recipe(self, data: ImageData) -> Recipe:
        views = self._views.augmentation(data)
        targets = (self._label_smoothing, self._auxiliary_weight)
        return Recipe(self._batch_size, *targets, views, self._optimization, self._ema)

    def _identity(self, architecture: Architecture, seed: int, max_epochs: int) -> dict[str, object]:
        """What two trainings must share for one to go on from the other's checkpoint."""
        return {
            "version": 1,
            "space": space_name(self._space),
            "architecture": tree_of(architecture),
            "seed": seed,
            "max_epochs": max_epochs,
            "network": self._network,
            "batch_size": self._batch_size,
            "label_smoothing": self._label_smoothing,
            "auxiliary_weight": self._auxiliary_weight,
            "ema": self._ema,
            **named(data=self._data, views=self._views, optimization=self._optimization),
        }

    def _older_identity(self, identity: Mapping[str, object]) -> dict[str, object]:
        """The same, as checkpoints have it that were written before identities had a version."""
        kept = ("space", "architecture", "seed", "max_epochs", "network")
        losses = (self._batch_size, self._label_smoothing, self._auxiliary_weight)
        return {
            **{name: identity[name] for name in kept},
            "data": as_text(self._data),
            "training": as_text((*losses, self._views, self._optimization)),
            "whole": self._data.whole or None,
            "ema": self._ema or None,
        }


@dataclass(frozen=True, slots=True)
class _Started:
    """What there is from set-up on."""

    training: Training
    cost: Cost
    identity: dict[str, object]
