"""Strategies by name: each is an Optuna sampler that proposes architectures.

    sampler = strategies.make("evolution", space, seed=0, settings={"population": 20})

A new sampler is made for every proposal, seeded by the run's seed and the proposal's number. Its only memory is the
study, which is replayed from the ledger. So a resumed run proposes the same architectures as an uninterrupted one.

The registry maps a name to a class or function that takes `space`, `seed` and its settings and returns the sampler. A
plug-in names its own in the entry points of the group `nas_tune.strategies`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from nas_tune.config.components import checked_factory, make_component
from nas_tune.errors import ConfigError
from search_spaces import Space
from search_spaces.lazy_names import lazy_names
from search_spaces.registry import Registry

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler as Sampler

    from nas_tune.strategies.architecture_sampler import ArchitectureSampler
    from nas_tune.strategies.evolution import EvolutionSampler
    from nas_tune.strategies.random_search import RandomSearch
    from nas_tune.strategies.tpe import TPE

__all__ = [
    "STRATEGIES",
    "TPE",
    "ArchitectureSampler",
    "EvolutionSampler",
    "RandomSearch",
    "Sampler",
    "make",
    "register",
]

_GIVEN = ("space", "seed")
_HOME = {
    "ArchitectureSampler": "nas_tune.strategies.architecture_sampler",
    "EvolutionSampler": "nas_tune.strategies.evolution",
    "RandomSearch": "nas_tune.strategies.random_search",
    "Sampler": "optuna.samplers:BaseSampler",
    "TPE": "nas_tune.strategies.tpe",
}
"""Public names whose modules import Optuna; they are imported at the first access."""

__getattr__ = lazy_names(__name__, _HOME)


def _factory(name: str, target: object) -> Callable[..., Sampler]:
    return checked_factory("strategy", name, target, _GIVEN, "an Optuna sampler")


STRATEGIES: Registry[Callable[..., Sampler]] = Registry(
    "strategy",
    "strategies",
    {
        "auto": "nas_tune.strategies.auto:Auto",
        "bananas": "nas_tune.strategies.bananas:Bananas",
        "bohb": "nas_tune.strategies.bohb:Bohb",
        "cmaes": "nas_tune.strategies.cmaes:CmaEs",
        "dehb": "nas_tune.strategies.dehb:Dehb",
        "evolution": "nas_tune.strategies.evolution:EvolutionSampler",
        "genetic": "nas_tune.strategies.genetic:GeneticSampler",
        "gp": "nas_tune.strategies.gp:GaussianProcess",
        "grid": "nas_tune.strategies.grid:Grid",
        "local_search": "nas_tune.strategies.local_search:LocalSearchSampler",
        "nsga2": "nas_tune.strategies.nsga:NSGA2",
        "nsga3": "nas_tune.strategies.nsga:NSGA3",
        "ppo": "nas_tune.strategies.ppo:PPOSampler",
        "predictor": "nas_tune.strategies.predictor:RankPredictor",
        "progressive": "nas_tune.strategies.progressive:Progressive",
        "random": "nas_tune.strategies.random_search:RandomSearch",
        "reinforce": "nas_tune.strategies.reinforce:ReinforceSampler",
        "tpe": "nas_tune.strategies.tpe:TPE",
    },
    check=_factory,
    error=ConfigError,
)


def register(name: str, factory: Callable[..., Sampler] | str, *, replace: bool = False) -> None:
    """Make a strategy known as `name`; a run that uses it finds it again where it is resumed.

    Args:
        name: the name in configurations and on command lines.
        factory: a class or function that takes `space`, `seed` and its settings, all by name, and returns an Optuna
            sampler; or "module:attribute". Decorate it with `nas_tune.objectives.objective.several_objectives` if it
            can optimize several metrics.
        replace: whether to replace a strategy that already has the name (default: False, which refuses).

    Raises:
        ConfigError: the name breaks the rule or is taken, or the factory cannot be called so.
    """
    STRATEGIES.register(name, factory, replace=replace)


def make(name: str, space: Space, seed: int, settings: Mapping[str, object] | None = None) -> Sampler:
    """Make the sampler called `name` for one or more proposals.

    Args:
        name: a name of the registry.
        space: the space of the architectures.
        seed: of the random numbers.
        settings: the strategy's own settings by name (default: none).

    Returns:
        The sampler.

    Raises:
        UnknownNameError: no strategy has that name.
        ConfigError: the strategy does not take a setting, a value is out of its range, or the factory returns no
            sampler.
    """
    from optuna.samplers import BaseSampler

    made = make_component("strategy", STRATEGIES, name, {"space": space, "seed": seed}, settings or {})
    if not isinstance(made, BaseSampler):
        raise ConfigError(f"the strategy {name!r} made a {type(made).__name__}; it must return an Optuna sampler")
    return made
