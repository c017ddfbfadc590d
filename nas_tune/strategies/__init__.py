"""Strategies by name: who proposes the next architecture. Each is an Optuna sampler.

A sampler is made anew for every proposal, seeded by the run's seed and the proposal's number: its memory is the
study, and the study is replayed from the ledger. So a resumed run proposes what the uninterrupted one would have.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping

from optuna.exceptions import ExperimentalWarning
from optuna.samplers import BaseSampler, RandomSampler, TPESampler

from nas_tune.components import make_component
from nas_tune.errors import ConfigError
from nas_tune.strategies.evolution import EvolutionSampler
from search_spaces import Space

__all__ = ["STRATEGIES", "EvolutionSampler", "make", "random_search", "tpe"]


def random_search(space: Space, seed: int) -> BaseSampler:
    """Every decision drawn uniformly and independently: the baseline that others must beat."""
    return RandomSampler(seed)


def tpe(space: Space, seed: int, startup: int = 10, candidates: int = 24) -> BaseSampler:
    """Tree-structured Parzen estimator (Bergstra et al., NeurIPS 2011), multivariate, a model per group of conditions.

    `startup` trials are drawn at random first; each proposal is the best of `candidates` draws.
    """
    if startup < 1:
        raise ConfigError(f"strategy.startup is {startup}; a model needs at least 1 trial to start from")
    if candidates < 1:
        raise ConfigError(f"strategy.candidates is {candidates}; the best is chosen of at least 1")
    with warnings.catch_warnings():
        # `group` has been experimental since Optuna 2.8; it is what makes TPE fit for conditional spaces.
        warnings.simplefilter("ignore", ExperimentalWarning)
        return TPESampler(
            n_startup_trials=startup, n_ei_candidates=candidates, seed=seed, multivariate=True, group=True
        )


STRATEGIES: dict[str, Callable[..., BaseSampler]] = {
    "evolution": EvolutionSampler,
    "random": random_search,
    "tpe": tpe,
}


def make(name: str, space: Space, seed: int, settings: Mapping[str, object] | None = None) -> BaseSampler:
    """The sampler called `name` for one or more proposals.

    Raises:
        UnknownNameError: no strategy has that name.
        ConfigError: a setting that it does not take, or a value out of its range.
    """
    return make_component("strategy", STRATEGIES, name, {"space": space, "seed": seed}, settings or {})
