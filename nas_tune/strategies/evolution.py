"""Regularized (aging) evolution (Real et al., AAAI 2019, arXiv 1802.01548) as an Optuna sampler.

The population is the `population` youngest finished trials; a parent is the best of `sample` of them drawn at
random, and its child is one mutation away. The study's trials are the only state, so a replayed study continues as the
uninterrupted one would. Trials that a scheduler stopped take part. `nas_tune.objectives.standings` orders the trials:
with several objectives by front, then by crowding distance (Deb et al. 2002).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from nas_tune.errors import ConfigError
from nas_tune.objectives.objective import several_objectives
from nas_tune.objectives.standings import Result, standings
from nas_tune.strategies.architecture_sampler import ArchitectureSampler
from nas_tune.strategies.history import History, study_result
from search_spaces import Architecture, Space

__all__ = ["EvolutionSampler"]


@several_objectives
class EvolutionSampler(ArchitectureSampler):
    """Proposes a mutation of a good parent, once the first `population` proposals were made at random.

    Args:
        space: the space of the study's parameters.
        seed: the seed of this proposal and of those after it.
        population: how many trials live at a time (P of the paper; default: 100). A search of a hundred trials wants
            far fewer: the paper of NAS-Bench-201 takes 10, and 20 did better there.
        sample: how many compete to be parent (S); by default a quarter of the population, as in the paper.
    """

    asked_again = 200

    def __init__(self, space: Space, seed: int, population: int = 100, sample: int | None = None) -> None:
        if population < 2:
            raise ConfigError(f"strategy.population is {population}; evolution needs at least 2")
        if sample is not None and not 1 <= sample <= population:
            raise ConfigError(f"strategy.sample is {sample}; it lies between 1 and population = {population}")
        super().__init__(space, seed)
        self.population, self.sample = population, sample or max(1, population // 4)

    def propose(self, study: Study, number: int) -> Architecture:
        """Propose a mutation of the parent, or a random architecture while the population fills."""
        if number >= self.population:
            history = History.of(study, self.space, number)
            living = list(islice(history.youngest(), self.population))[::-1]
            if living:
                return self.space.mutate(history.architecture(self._parent(history, living).number), self.rng)
        return self.space.sample(self.rng)

    def _parent(self, history: History, living: Sequence[FrozenTrial]) -> FrozenTrial:
        """Choose the best of a random sample."""
        competitors = [self.rng.choice(living) for _ in range(self.sample)]
        if len(history.signs) == 1 and all(trial.state is TrialState.COMPLETE for trial in living):
            # The standing of complete trials is that of their scores: a fifth of the time for what is asked most often.
            return max(competitors, key=lambda trial: history.signs[0] * trial.values[0])
        place = _places(history, living)
        return min(competitors, key=lambda trial: place[trial.number])


def _places(history: History, living: Sequence[FrozenTrial]) -> dict[int, int]:
    """Compute the standing of each trial, by number; kept, since proposals often repeat with the same trials."""
    shown = [(trial.number, trial.state, len(trial.intermediate_values)) for trial in living]
    kept: tuple[list[object], dict[int, int]] | None = history.notes.get(("standings", 0))
    if kept is not None and kept[0] == shown:
        return kept[1]
    results = [_result(history, trial) for trial in living]
    place = {trial.number: place for trial, place in zip(living, standings(results), strict=True)}
    history.notes["standings", 0] = (shown, place)
    return place


def _result(history: History, trial: FrozenTrial) -> Result:
    """Read the result of a trial; kept until the trial changes."""
    shown = (trial.state, len(trial.intermediate_values))
    kept: tuple[object, Result] | None = history.notes.get(("result", trial.number))
    if kept is not None and kept[0] == shown:
        return kept[1]
    result = study_result(trial, history.signs)
    history.notes["result", trial.number] = (shown, result)
    return result
