"""Strategies by name: who proposes the next architecture. Each is an Optuna sampler.

A sampler is made anew for every proposal, seeded by the run's seed and the proposal's number: its memory is the
study, and the study is replayed from the ledger. So a resumed run proposes what the uninterrupted one would have.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from optuna.samplers import BaseSampler

from nas_tune.components import make_component
from nas_tune.strategies.architecture_sampler import ArchitectureSampler
from nas_tune.strategies.evolution import EvolutionSampler
from nas_tune.strategies.random_search import RandomSearch
from nas_tune.strategies.tpe import tpe
from search_spaces import Space

__all__ = ["STRATEGIES", "ArchitectureSampler", "EvolutionSampler", "RandomSearch", "make", "tpe"]


STRATEGIES: dict[str, Callable[..., BaseSampler]] = {
    "evolution": EvolutionSampler,
    "random": RandomSearch,
    "tpe": tpe,
}


def make(name: str, space: Space, seed: int, settings: Mapping[str, object] | None = None) -> BaseSampler:
    """The sampler called `name` for one or more proposals.

    Raises:
        UnknownNameError: no strategy has that name.
        ConfigError: a setting that it does not take, or a value out of its range.
    """
    return make_component("strategy", STRATEGIES, name, {"space": space, "seed": seed}, settings or {})
