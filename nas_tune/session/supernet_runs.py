"""Runs in which every trial is a whole search in a supernet: what stands behind `strategy = "darts"` and its like.

Nothing is proposed there. A trial is a run of the trainable `darts` with a seed of its own, and what it finds is the
trial's architecture. The settings of the strategy are those of that trainable and of the method, side by side; of
the trainable that the configuration names, which is the one to train what is found, the images and the device hold
for the search too.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import search_spaces
import trainables
from nas_tune.config import SearchConfig
from nas_tune.errors import ConfigError
from search_spaces import Space
from search_spaces.names import did_you_mean
from trainables.registry import Target
from trainables.supernet.methods import METHODS

__all__ = ["check_enqueue", "is_supernet_run", "search_settings", "search_target"]

_NAME = "darts"
_FOR_BOTH = frozenset(
    ["data", "data_root", "download", "image_column", "label_column", "resize", "test_share", "data_seed", "device"]
)
_GIVEN = ("space", "method", "method_settings")


def is_supernet_run(config: SearchConfig) -> bool:
    """Whether the strategy is one of the methods of `trainables.supernet`."""
    return config.strategy.name in METHODS


def check_enqueue(config: SearchConfig, wanted: Sequence[Any]) -> None:
    """`ConfigError` where architectures are to be tried first by a strategy that tries none."""
    if wanted and is_supernet_run(config):
        raise ConfigError(
            f"enqueue: the trials of the strategy {config.strategy.name} are searches, which cannot be told what to "
            "find; leave it out, or take a strategy that proposes"
        )


def search_target(config: SearchConfig, given: Target | None) -> Target:
    """The trainable that searches, instead of `given` or the one that the configuration names.

    Raises:
        ConfigError: that one names no images to search on, or the configuration asks for what only proposals
            have.
    """
    name = config.trainable.name
    if given not in (None, trainables.get(_NAME)) or name not in ("image_classifier", _NAME):
        raise ConfigError(
            f"trainable: {name} cannot be combined with the strategy {config.strategy.name}, which trains a supernet "
            "on the images of image_classifier; take that one, or a strategy that proposes (nas-tune strategies)"
        )
    began = {"initial": config.initial is not None, "warm_start": bool(config.warm_start)}
    for key in (key for key, is_set in began.items() if is_set):
        raise ConfigError(
            f"{key}: the strategy {config.strategy.name} proposes nothing, so there is nothing to begin with; leave it "
            "out (a supernet begins with the weights of another by strategy.start_from)"
        )
    return trainables.get(_NAME)


def search_settings(config: SearchConfig, space: Space) -> dict[str, Any]:
    """The settings of the trainable `darts` for the searches of a run.

    Raises:
        ConfigError: the strategy has a setting that neither the trainable nor the method takes; or the space is not
            the one from whose name the supernet would be made.
    """
    method, named = config.strategy.name, config.trainable
    if named.name == _NAME and named.settings.get("method", method) != method:
        raise ConfigError(
            f"trainable.method: {named.settings['method']!r} contradicts the strategy {method}; leave it out"
        )
    base: dict[str, Any] = dict(named.settings) if named.name == _NAME else _only(named.settings, _FOR_BOTH)
    wanted, own = _parted(method, config.strategy.settings)
    settings: dict[str, Any] = {**base, **wanted, "space": space.name or config.space.name, "method": method}
    merged = {
        "method_settings": {**(base.get("method_settings") or {}), **own},
        "network": {**_network_of(config, space), **(settings.get("network") or {})},
    }
    return {**settings, **{key: value for key, value in merged.items() if value}}


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


def _parted(method: str, wanted: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The strategy's settings: those of the search, and those of its method."""
    of_search = [name for name in inspect.signature(trainables.get(_NAME)).parameters if name not in _GIVEN]
    of_method = list(inspect.signature(METHODS[method]).parameters)
    known = [*of_method, *of_search]
    for key in wanted:
        if key not in known:
            hint = did_you_mean(key, known)
            raise ConfigError(f"strategy.{key} is no setting of {method!r}{hint}; its settings: {', '.join(known)}")
    return _only(wanted, of_search), _only(wanted, of_method)


def _only(settings: Mapping[str, Any], names: Any) -> dict[str, Any]:
    return {key: value for key, value in settings.items() if key in names}
