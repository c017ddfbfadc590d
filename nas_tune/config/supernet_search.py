"""The methods of `trainables.supernet` as strategies that search by themselves (`nas_tune.config.self_search`).

The settings of such a strategy are those of the trainable `darts` and those of the method, side by side. Of the
trainable that the configuration names, which trains what is found, the images and the device hold for the search too.
"""

from __future__ import annotations

import inspect
from collections.abc import Container, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import search_spaces
import trainables
from nas_tune.config.component import Component
from nas_tune.config.task import LEARNER
from nas_tune.errors import ConfigError
from nas_tune.objectives.limits import limits_of
from nas_tune.objectives.objective import Mode
from search_spaces import Space
from search_spaces.names import did_you_mean
from trainables.costs.quantities import QUANTITIES
from trainables.metrics import ACCURACY, discrete
from trainables.registry import TrainableTarget, setting_names
from trainables.settings.groups import flat_settings
from trainables.supernet.methods import METHODS
from trainables.trial.trainings import FOLDS, REPEATS

if TYPE_CHECKING:
    from nas_tune.config.schema import SearchConfig

__all__ = ["SupernetSearch", "cost_limits", "trained_network"]

_NAME = "darts"
_FOR_BOTH = frozenset(
    ["data", "data_root", "download", "image_column", "label_column", "resize", "test_share", "data_seed", "device"]
)
_MEASURED_ON = "measured_on"
_GIVEN = ("space", "method", "method_settings", "limits", "trained_network", _MEASURED_ON)
_SIZES = ("channels", "cells", "layers", "network")
_WARM = (
    "proposes no architectures, so none can be tried first; leave it out (a supernet begins with the weights of "
    "another by strategy.start_from)"
)


class SupernetSearch:
    """Each trial is a run of the trainable `darts` with one of the methods of `trainables.supernet`.

    Args:
        method: the name of the method, which is that of the strategy.
    """

    metric: ClassVar[str] = discrete(ACCURACY).name
    mode: ClassVar[Mode] = ACCURACY.mode
    refuses: ClassVar[Mapping[str, str]] = {"initial": _WARM, "warm_start": _WARM}
    weights: ClassVar[str | None] = (
        "the weights of a supernet are shared by all options and were never trained for the architecture that was found"
    )

    def __init__(self, method: str) -> None:
        self._method = method

    @property
    def trainable(self) -> TrainableTarget:
        """The trainable `darts`."""
        return trainables.get(_NAME)

    def check(self, config: SearchConfig, given: TrainableTarget | None) -> None:
        """Refuse a trainable that names no task to search on, and limits on costs where no path is judged."""
        if not METHODS[self._method].finds_by_score:
            for one in cost_limits(config):
                by_score = [name for name in METHODS.names() if METHODS[name].finds_by_score]
                raise ConfigError(
                    f"limits.{one}: the strategy {self._method} learns which options are strong and judges no "
                    f"architecture by its cost; take a method of single paths ({', '.join(by_score)}), a strategy that "
                    "proposes architectures (nas-tune strategies), or leave the limit out"
                )
        name = config.trainable.name
        if given not in (None, self.trainable) or name not in ("image_classifier", LEARNER, _NAME):
            raise ConfigError(
                f"trainable: {name} cannot be combined with the strategy {self._method}, which trains a supernet on a "
                "task, or on the images of image_classifier; give task=.. in place of the trainable, or take a "
                "strategy that proposes architectures (nas-tune strategies)"
            )
        for key in (REPEATS, FOLDS):
            if key in config.trainable.settings:
                raise ConfigError(
                    f"trainable.{key}: got {config.trainable.settings[key]!r}; the trials of the strategy "
                    f"{self._method} are whole searches, each with a seed of its own; leave it out, and set max_trials"
                )

    def settings(self, config: SearchConfig, space: Space) -> dict[str, Any]:
        """Join the settings of the strategy with those of the configuration's trainable and space.

        Raises:
            ConfigError: the strategy has a setting that neither the trainable nor the method takes; or the space is
                not the one from whose name the supernet would be made.
        """
        named = config.trainable
        if named.name == _NAME and named.settings.get("method", self._method) != self._method:
            raise ConfigError(
                f"trainable.method: {named.settings['method']!r} contradicts the strategy {self._method}; leave it out"
            )
        base = _learned(named)
        wanted, own = self._parted(config.strategy.settings, base)
        name = space.name or config.space.name
        settings: dict[str, Any] = {**base, **wanted, "space": name, "method": self._method}
        merged = {
            "method_settings": {**(base.get("method_settings") or {}), **own},
            "network": {**_network_of(config, space), **(settings.get("network") or {})},
        }
        limited: dict[str, Any] = {}
        device = None if config.device is None else config.device.plain()
        if device is not None and _MEASURED_ON in inspect.signature(METHODS[self._method]).parameters:
            merged["method_settings"].setdefault(_MEASURED_ON, device)
        if bounds := cost_limits(config):
            limited = {"limits": bounds, "trained_network": trained_network(config), _MEASURED_ON: device}
        return {**settings, **{key: value for key, value in merged.items() if value}, **limited}

    def _parted(self, wanted: Mapping[str, Any], learned: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """The strategy's settings: those of the search, and those of its method."""
        of_search = [name for name in setting_names(self.trainable, learned) if name not in _GIVEN]
        of_method = list(inspect.signature(METHODS[self._method]).parameters)
        known = [*of_method, *of_search]
        for key in wanted:
            if key not in known:
                raise ConfigError(
                    f"strategy.{key} is not a setting of {self._method!r}{did_you_mean(key, known)}; its settings: "
                    f"{', '.join(known)}"
                )
        return _only(wanted, of_search), _only(wanted, of_method)


def cost_limits(config: SearchConfig) -> dict[str, float]:
    """Read the limits on costs of a configuration, without those on reported metrics.

    Args:
        config: the configuration.

    Returns:
        Bounds by the name of the quantity, in its kept unit.
    """
    return {one.name: one.bound for one in limits_of(config.limits or {}) if one.name in QUANTITIES}


def trained_network(config: SearchConfig) -> dict[str, Any]:
    """Read the size of the networks by which the architectures that are found are trained.

    Args:
        config: the configuration, whose trainable trains them.

    Returns:
        Settings of the network by name, as far as they are given.
    """
    return _only(config.trainable.settings, _SIZES)


def _learned(trainable: Component) -> dict[str, Any]:
    """The settings of the configuration's trainable that hold for the search too: what is learned, and where."""
    if trainable.name == _NAME:
        return dict(trainable.settings)
    if trainable.name != LEARNER:
        return _only(trainable.settings, _FOR_BOTH)
    from trainables.tasks.learner_settings import LearnerSettings

    how = [name for name in flat_settings(LearnerSettings) if name != "device"]
    return {name: value for name, value in trainable.settings.items() if name not in how}


def _network_of(config: SearchConfig, space: Space) -> dict[str, Any]:
    """The settings by which an undecided network has the choices of `space`."""
    from trainables.supernet.settings import SHARED

    of_space = config.space.settings if config.space.name == space.name else {}
    known = space.name in search_spaces.names()
    if known and search_spaces.get(str(space.name), **of_space).fingerprint != space.fingerprint:
        raise ConfigError(
            f"space: a supernet is made from the name {space.name!r}, which leads to another space than the one given; "
            "give its settings in the configuration: space = { name = .., .. }"
        )
    choices = {key: value for key, value in of_space.items() if key not in SHARED}
    return {**_only(of_space, SHARED), **({"choices": choices} if choices else {})}


def _only(settings: Mapping[str, Any], names: Container[str]) -> dict[str, Any]:
    return {key: value for key, value in settings.items() if key in names}
