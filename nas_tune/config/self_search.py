"""Strategies that search by themselves: each trial is a whole search, and its architecture is what the search finds.

Such a strategy proposes nothing. The trainable of the search runs in every trial, with another seed each time, and
tells what it has found by its attribute `architecture` (`trainables.protocol.Searching`). The trainable that the
configuration names is the one that trains what is found (`nas-tune retrain`).

Each method of `trainables.supernet` is one. A plug-in names its own in its entry points of the group
`nas_tune.self_searches`: a class or function that takes the name of the strategy and makes a `SelfSearch`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from nas_tune.config.supernet_search import SupernetSearch
from nas_tune.errors import ConfigError
from nas_tune.objectives.objective import Mode
from search_spaces.registry import Registry
from trainables.supernet.methods import METHODS

if TYPE_CHECKING:
    from nas_tune.config.schema import SearchConfig
    from search_spaces import Space
    from trainables.registry import TrainableTarget

__all__ = [
    "SELF_SEARCHES",
    "SelfSearch",
    "check_enqueue",
    "check_keys",
    "kind_of",
    "register",
    "searches",
    "self_search",
]

_MEMBERS = ("metric", "mode", "refuses", "weights", "trainable", "check", "settings")
_REFUSES = dict.fromkeys(
    ("initial", "warm_start"), "proposes no architectures, so none can be tried first; leave it out"
)
"""Keys that no such strategy can use, with the reason."""


class SelfSearch(Protocol):
    """The port of a strategy that searches by itself."""

    @property
    def metric(self) -> str:
        """The default of the key `metric`: a metric that judges what a trial has found."""

    @property
    def mode(self) -> Mode:
        """Whether more ("max") or less ("min") of that metric is better."""

    @property
    def refuses(self) -> Mapping[str, str]:
        """Keys of the configuration that the strategy cannot use, each with the rest of the sentence "the strategy .."
        that says why and what to do. `initial` and `warm_start` are refused anyway; a reason here replaces theirs."""

    @property
    def weights(self) -> str | None:
        """What the weights of a search are, as a clause that says why none is a trained network of what it found.

        None where its trainable has such a network: an export takes it by `deployed()`
        (`trainables.protocol.Deployable`).
        """

    @property
    def trainable(self) -> TrainableTarget:
        """The trainable of the trials, which follows `trainables.protocol.Searching`."""

    def check(self, config: SearchConfig, given: TrainableTarget | None) -> None:
        """Refuse what cannot be combined with the strategy.

        Args:
            config: the whole configuration.
            given: the trainable that the caller gave as an object; None where the configuration names one.

        Raises:
            ConfigError: `config` and `given` cannot be combined with the strategy.
        """

    def settings(self, config: SearchConfig, space: Space) -> dict[str, Any]:
        """Make the settings of `trainable`.

        Args:
            config: the whole configuration; those of the strategy are `config.strategy.settings`.
            space: the space that is searched.

        Returns:
            Plain data, by the names of the trainable's arguments.

        Raises:
            ConfigError: a setting is unknown, or has a value that cannot be.
        """


def _factory(name: str, target: object) -> Callable[[str], SelfSearch]:
    if not callable(target):
        raise ConfigError(
            f"the self-search {name!r} leads to {target!r:.80}; write a class or a function that takes the name of "
            "the strategy and makes a SelfSearch (nas_tune.config.self_search)"
        )
    return target


SELF_SEARCHES: Registry[Callable[[str], SelfSearch]] = Registry(
    "self-search",
    "self_searches",
    {
        # None is built in: methods of supernets have a table of their own.
    },
    check=_factory,
    error=ConfigError,
)
"""Those that programs and plug-ins bring, beside the methods of supernets."""


def register(name: str, factory: Callable[[str], SelfSearch] | str, *, replace: bool = False) -> None:
    """Make a strategy that searches by itself known as `name`; a run that uses it finds it again where it is resumed.

    Args:
        name: how configurations and command lines ask for it.
        factory: a class or function that takes the name and makes a `SelfSearch`; or "module:attribute".
        replace: take the place of what has the name.

    Raises:
        ConfigError: the name breaks the rule or is taken, or `factory` cannot be called.
    """
    if name in METHODS:
        raise ConfigError(f"self-search name {name!r} is taken by a method of supernets; take another name")
    SELF_SEARCHES.register(name, factory, replace=replace)


def searches(strategy: str) -> bool:
    """Check whether a strategy searches by itself; imports nothing.

    Args:
        strategy: its name.

    Returns:
        True for a method of supernets, and for what is registered or brought by a plug-in.
    """
    return strategy in METHODS or strategy in SELF_SEARCHES


def kind_of(strategy: str) -> str:
    """Say in words what the name of a strategy that searches by itself stands for.

    Args:
        strategy: a name for which `searches` is true.

    Returns:
        The kind, and where it comes from.
    """
    if strategy in METHODS:
        return f"a method of supernets ({METHODS.origin(strategy)})"
    return f"a strategy that searches by itself ({SELF_SEARCHES.origin(strategy)})"


def self_search(strategy: str) -> SelfSearch:
    """Make the search that the strategy called so stands for.

    Args:
        strategy: a name for which `searches` is true.

    Returns:
        The search.

    Raises:
        UnknownNameError: no strategy that searches by itself has the name.
        ConfigError: it cannot be imported, or lacks a member of the port.
    """
    if strategy in METHODS:
        return SupernetSearch(strategy)
    made = SELF_SEARCHES.get(strategy)(strategy)
    lacking = [name for name in _MEMBERS if name not in dir(made)]
    if lacking:
        raise ConfigError(
            f"the strategy {strategy!r} made a {type(made).__name__} without {', '.join(lacking)}; give its class "
            "what nas_tune.config.self_search.SelfSearch describes"
        )
    return made


def check_keys(search: SelfSearch, config: SearchConfig) -> None:
    """Refuse the keys of a configuration that its strategy, which searches by itself, cannot use.

    Args:
        search: what the strategy stands for.
        config: the whole configuration.

    Raises:
        ConfigError: one of them is set; the message says why it may not be.
    """
    for key, why in {**_REFUSES, **search.refuses}.items():
        if getattr(config, key) != type(config).model_fields[key].get_default(call_default_factory=True):
            raise ConfigError(f"{key}: the strategy {config.strategy.name} {why}")


def check_enqueue(config: SearchConfig, wanted: Sequence[Any]) -> None:
    """Refuse architectures that are to be tried first where the strategy searches by itself.

    Args:
        config: the configuration of the run.
        wanted: the architectures.

    Raises:
        ConfigError: there are some, and the strategy of `config` proposes nothing.
    """
    if wanted and searches(config.strategy.name):
        raise ConfigError(
            f"enqueue: the trials of the strategy {config.strategy.name} are searches, which find their own "
            "architectures; leave it out, or take a strategy that proposes architectures"
        )
