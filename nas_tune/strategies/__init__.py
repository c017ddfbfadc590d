"""Strategies by name: who proposes the next architecture. Each is an Optuna sampler.

A sampler is made anew for every proposal, seeded by the run's seed and the proposal's number: its memory is the
study, and the study is replayed from the ledger. So a resumed run proposes what the uninterrupted one would have.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from optuna.samplers import BaseSampler

from nas_tune.config.components import make_component
from nas_tune.strategies.architecture_sampler import ArchitectureSampler
from nas_tune.strategies.auto import Auto
from nas_tune.strategies.bananas import Bananas
from nas_tune.strategies.bohb import Bohb
from nas_tune.strategies.cmaes import CmaEs
from nas_tune.strategies.dehb import Dehb
from nas_tune.strategies.evolution import EvolutionSampler
from nas_tune.strategies.genetic import GeneticSampler
from nas_tune.strategies.gp import GaussianProcess
from nas_tune.strategies.grid import Grid
from nas_tune.strategies.local_search import LocalSearchSampler
from nas_tune.strategies.nsga import NSGA2, NSGA3
from nas_tune.strategies.ppo import PPOSampler
from nas_tune.strategies.predictor import Predictor
from nas_tune.strategies.progressive import Progressive
from nas_tune.strategies.random_search import RandomSearch
from nas_tune.strategies.reinforce import ReinforceSampler
from nas_tune.strategies.tpe import TPE
from search_spaces import Space

__all__ = ["STRATEGIES", "TPE", "ArchitectureSampler", "EvolutionSampler", "RandomSearch", "Sampler", "make"]

Sampler: TypeAlias = BaseSampler
"""The type of a strategy, for modules that do not import Optuna."""

STRATEGIES: dict[str, Callable[..., Sampler]] = {
    "auto": Auto,
    "bananas": Bananas,
    "bohb": Bohb,
    "cmaes": CmaEs,
    "dehb": Dehb,
    "evolution": EvolutionSampler,
    "genetic": GeneticSampler,
    "gp": GaussianProcess,
    "grid": Grid,
    "local_search": LocalSearchSampler,
    "nsga2": NSGA2,
    "nsga3": NSGA3,
    "ppo": PPOSampler,
    "predictor": Predictor,
    "progressive": Progressive,
    "random": RandomSearch,
    "reinforce": ReinforceSampler,
    "tpe": TPE,
}


def make(name: str, space: Space, seed: int, settings: Mapping[str, object] | None = None) -> Sampler:
    """The sampler called `name` for one or more proposals.

    Raises:
        UnknownNameError: no strategy has that name.
        ConfigError: a setting that it does not take, or a value out of its range.
    """
    return make_component("strategy", STRATEGIES, name, {"space": space, "seed": seed}, settings or {})
