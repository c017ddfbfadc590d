"""The settings of `Learner`: its network, and how it trains. What it learns is the business of the task."""

from __future__ import annotations

from dataclasses import dataclass, field

from trainables.networks.settings import NetworkSettings
from trainables.settings import check_number
from trainables.settings.groups import group
from trainables.training.devices import check_device
from trainables.training.optimization import Optimization

__all__ = ["LearnerSettings"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LearnerSettings:
    """The settings of `Learner` that do not depend on the task."""

    space: object = "nb201"
    """The name of a space that has a network (`trainables.networks.names()`), or a `Space` of that name."""
    network: NetworkSettings = field(metadata=group(NetworkSettings))
    """How large the network is, and what else its builder takes."""
    batch_size: int = 32
    """Examples a step. The last, incomplete batch of an epoch is left out."""
    optimization: Optimization = field(metadata=group(Optimization, fixed={"lr_min": 0.0, "nesterov": True}))
    """How the weights learn."""
    ema: float = 0.0
    """The decay a step of an average of the weights, such as 0.999. The average is then the `network`, is evaluated and
    is kept (see `WeightAverage`). 0 uses the weights themselves.
    """
    auxiliary_weight: float = 0.4
    """The weight of the loss of an auxiliary head, which `network={"auxiliary": True}` adds (Szegedy et al. 2015,
    1409.4842; 0.4 in NASNet and DARTS).
    """
    device: str = "auto"
    """"auto" (CUDA where there is one, else the CPU), or a torch device; chosen at set-up."""

    def __post_init__(self) -> None:
        check_number("batch_size", self.batch_size, 2, whole=True)
        check_number("ema", self.ema, 0, 0.999999)
        check_number("auxiliary_weight", self.auxiliary_weight, 0)
        check_device(self.device)
