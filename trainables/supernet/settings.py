"""The settings of a search in a supernet, checked before anything is loaded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from trainables.errors import TrainableError
from trainables.networks import check_undecided
from trainables.networks.settings import NetworkSettings
from trainables.settings import check_flag, check_mapping, check_name, check_number, check_text
from trainables.settings.groups import OPTIONAL, group
from trainables.supernet.methods import METHODS
from trainables.supernet.search import Architect
from trainables.training.devices import check_device
from trainables.training.optimization import Optimization

__all__ = ["SHARED", "SearchSettings"]

SELECTIONS = ("magnitude", "perturbation")
SHARED = ("nodes", "operations")
"""Settings that networks and their spaces have in common."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchSettings:
    """The settings of `DartsTrainable` that do not depend on the task.

    Optional settings that are None are those of the paper of the method, else those of DARTS (Liu et al. 2019,
    1806.09055), which are also the defaults of the others.
    """

    space: object = "darts"
    """The name of a space whose network can be built undecided (`darts`, `nb201`, .., your own), or a `Space`."""
    method: str = "darts"
    """A name of `trainables.supernet.METHODS`."""
    method_settings: Mapping[str, object] | None = None
    """Settings of the method, such as `{"temperature": 5.0}` for `gdas`."""
    network: NetworkSettings = field(metadata=group(NetworkSettings))
    """The network of the supernet. That of the paper for `darts` has 16 channels and 8 layers."""
    batch_size: int = field(default=64, metadata=OPTIONAL)
    """Examples a step, of the weights and of the architecture. Left open it is what the task recommends, else what the
    method's paper has.
    """
    weights: Optimization = field(
        metadata=group(
            Optimization,
            defaults={"lr": 0.025, "lr_min": 0.001, "weight_decay": 3e-4},
            fixed={"optimizer": "sgd", "warmup": 0.0, "nesterov": False},
            optional=("lr", "weight_decay"),
        )
    )
    """How the weights learn: by SGD, at a rate that falls as a cosine."""
    architect: Architect = field(metadata=group(Architect, optional=("lr", "weight_decay")))
    """How the architecture learns."""
    warmup_epochs: int | None = None
    """Epochs of each stage in which only weights learn. None is the share of the method's paper."""
    selection: str = "magnitude"
    """"magnitude", or "perturbation" after the last epoch (DARTS-PT, Wang et al. 2021, 2108.04392)."""
    tune_steps: int = 0
    """Steps of the weights after each decision of a selection by perturbation."""
    eigenvalue: bool = False
    """Report the dominant eigenvalue too."""
    collapse_share: float = 0.5
    """The share of skip connections in a kind of cell from which two epochs in a row raise the alarm."""
    stop_on_collapse: bool = False
    """End the search at the alarm, with the last architecture that had fewer skip connections."""
    refit_head: bool = False
    """Judge each path with a head of its own, fitted by ridge regression to what the path computes for the training
    examples to which its normalisations are fitted; for methods of single paths and tasks that classify or regress.
    """
    start_from: str | None = None
    """The folder of a checkpoint of another search, of the same space and network, whose weights are the initial ones
    here. The head is new, so that the data may be others.
    """
    limits: Mapping[str, object] | None = None
    """Bounds on the costs of the architecture that is found, such as `{"macs": "5M"}`; of methods of single paths."""
    trained_network: Mapping[str, object] | None = None
    """`channels`, `cells`, `layers` and `network` of the networks whose costs are limited, those by which an
    architecture that is found is trained. None takes those of the supernet.
    """
    measured_on: Mapping[str, object] | None = None
    """The device for limits on measured costs, a table for `trainables.hardware.device.Device`. None is the default."""
    device: str = "auto"
    """"auto" (CUDA where there is one, else the CPU), or a torch device; chosen at set-up."""

    def __post_init__(self) -> None:
        check_name("method", self.method, METHODS.names())
        check_mapping("method_settings", self.method_settings)
        check_undecided(self.space)
        check_number("batch_size", self.batch_size, 2, whole=True)
        if self.warmup_epochs is not None:
            check_number("warmup_epochs", self.warmup_epochs, 0, whole=True)
        check_name("selection", self.selection, SELECTIONS)
        check_number("tune_steps", self.tune_steps, 0, whole=True)
        check_number("collapse_share", self.collapse_share, 0, 1, open_low=True)
        check_flag("eigenvalue", self.eigenvalue)
        check_flag("stop_on_collapse", self.stop_on_collapse)
        check_flag("refit_head", self.refit_head)
        check_text("start_from", self.start_from, optional=True)
        check_device(self.device)
        for name in ("limits", "trained_network", "measured_on"):
            check_mapping(name, getattr(self, name))
        self._check_method()

    def _check_method(self) -> None:
        """Refuse what the method cannot do."""
        method = METHODS[self.method]
        if self.architect.order != "first" and method.finds_by_score:
            raise TrainableError(
                f"order is {self.architect.order!r}, and {self.method} has no gradients to carry further; leave it out"
            )
        if self.limits and not method.finds_by_score:
            raise TrainableError(
                f"limits are given, and {self.method} learns which options are strong without judging architectures; "
                "leave them out, or take a method of single paths (spos, enas, ofa)"
            )
        if self.refit_head and not method.finds_by_score:
            raise TrainableError(
                f"refit_head is True, and {self.method} learns which options are strong without judging architectures; "
                "leave it out, or take a method of single paths (spos, enas, ofa)"
            )
        if not method.is_hard:
            return
        wanted = {"selection=perturbation": self.selection == "perturbation", "eigenvalue=true": self.eigenvalue}
        for text, is_wanted in wanted.items():
            if is_wanted:
                raise TrainableError(
                    f"{text} needs a method that computes all options at once, and {self.method} computes one; leave "
                    "it out, or take another method"
                )
