"""The settings of `ImageClassifier`: its network, its images, and how it trains."""

from __future__ import annotations

from dataclasses import dataclass, field

from trainables.data import DataKeywords, DataSettings, Views, ViewsKeywords
from trainables.networks import check_images
from trainables.networks.settings import NetworkKeywords, NetworkSettings
from trainables.settings import check_number
from trainables.settings.groups import group
from trainables.training.devices import check_device
from trainables.training.optimization import Optimization, OptimizationKeywords

__all__ = ["ClassifierKeywords", "ClassifierSettings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassifierSettings:
    """The settings of `ImageClassifier`."""

    space: object = "nb201"
    """The name of a space that has a network (`trainables.networks.names()`), or a `Space` of that name."""
    network: NetworkSettings = field(metadata=group(NetworkSettings))
    """How large the network is, and what else its builder takes."""
    data: DataSettings = field(metadata=group(DataSettings))
    """Which images, and how they are parted."""
    batch_size: int = 32
    """Images a step. The last, incomplete batch of an epoch is left out."""
    optimization: Optimization = field(metadata=group(Optimization, fixed={"lr_min": 0.0, "nesterov": True}))
    """How the weights learn."""
    ema: float = 0.0
    """The decay a step of an average of the weights, such as 0.999. The average is then the `network`, is judged and is
    kept (see `WeightAverage`). 0 uses the weights themselves.
    """
    auxiliary_weight: float = 0.4
    """The weight of the loss of an auxiliary head, which `network={"auxiliary": True}` adds (Szegedy et al. 2015,
    1409.4842; 0.4 in NASNet and DARTS).
    """
    label_smoothing: float = 0.1
    """The share of the target that is spread over all classes (Szegedy et al. 2016, 1512.00567)."""
    views: Views = field(metadata=group(Views))
    """How images are changed at random while the network trains."""
    device: str = "auto"
    """"auto" (CUDA where there is one, else the CPU), or a torch device; chosen at set-up."""

    def __post_init__(self) -> None:
        check_images(self.space)
        check_number("batch_size", self.batch_size, 2, whole=True)
        check_number("label_smoothing", self.label_smoothing, 0, 0.9)
        check_number("ema", self.ema, 0, 0.999999)
        check_number("auxiliary_weight", self.auxiliary_weight, 0)
        check_device(self.device)


class ClassifierKeywords(NetworkKeywords, DataKeywords, OptimizationKeywords, ViewsKeywords, total=False):
    """The types of these settings as keyword arguments."""

    space: object
    whole: bool
    batch_size: int
    optimizer: str
    lr: float
    weight_decay: float
    warmup: float
    ema: float
    auxiliary_weight: float
    label_smoothing: float
    device: str
