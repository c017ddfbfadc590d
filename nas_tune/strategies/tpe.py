"""Tree-structured Parzen estimator (Bergstra et al., NeurIPS 2011), as Optuna has it, for conditional spaces."""

from __future__ import annotations

import warnings
from typing import Any

from optuna.distributions import BaseDistribution
from optuna.exceptions import ExperimentalWarning
from optuna.samplers import BaseSampler, TPESampler
from optuna.study import Study
from optuna.trial import FrozenTrial

from nas_tune.errors import ConfigError
from nas_tune.objectives import several_objectives
from search_spaces import Space

__all__ = ["tpe"]


@several_objectives
def tpe(space: Space, seed: int, startup: int = 10, candidates: int = 24) -> BaseSampler:
    """Multivariate, with a model per group of conditions; of several objectives the good trials are the first fronts.

    `startup` trials are drawn at random first; each proposal is the best of `candidates` draws.
    """
    if startup < 1:
        raise ConfigError(f"strategy.startup is {startup}; a model needs at least 1 trial to start from")
    if candidates < 1:
        raise ConfigError(f"strategy.candidates is {candidates}; the best is chosen of at least 1")
    with warnings.catch_warnings():
        # `group` has been experimental since Optuna 2.8; it is what makes TPE fit for conditional spaces.
        warnings.simplefilter("ignore", ExperimentalWarning)
        return _ReplayableTPE(
            n_startup_trials=startup, n_ei_candidates=candidates, seed=seed, multivariate=True, group=True
        )


class _ReplayableTPE(TPESampler):
    """Knows of a running trial what the ledger knows of it, and no more.

    Optuna's notes at a running trial what was drawn for it, parameters that turned out inactive included, and
    learns from that; a study that was replayed has no such notes, and would propose something else.
    """

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        params = super().sample_relative(study, trial, search_space)
        study._storage.get_trial(trial._trial_id).system_attrs.clear()
        return params
