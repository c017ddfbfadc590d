"""The strategy's side of a run: an Optuna study in memory, told of every event of the ledger.

`propose` asks the strategy, `apply` takes in what became of it. A replay calls `apply` alone: proposals that it
has not made itself it enters into the study as they stand in the ledger. Trials of the study are numbered by
asks, which count duplicates too, while a run's trials do not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import optuna
from optuna.samplers import BaseSampler
from optuna.study import StudyDirection
from optuna.trial import TrialState, create_trial

from nas_tune.coordination.prior import Prior
from nas_tune.errors import StrategyError
from nas_tune.ledger import Answered, Asked, Ended, Event, Known, Paused, Reported, Retried, TrialRecord
from nas_tune.objectives.objective import Mode, objectives_of
from nas_tune.strategies.architecture_sampler import ArchitectureSampler, Exhausted
from nas_tune.strategies.study_memory import StudyMemory, last_values
from search_spaces import Architecture, ArchitectureError, Space

__all__ = ["Proposal", "Proposer", "derive_seed"]

_STATES = {"complete": TrialState.COMPLETE, "pruned": TrialState.PRUNED, "failed": TrialState.FAIL}
_DIRECTIONS = {"max": StudyDirection.MAXIMIZE, "min": StudyDirection.MINIMIZE}
_FAILURES_IN_A_ROW = 5
_INVALID_IN_A_ROW = 20


@dataclass(frozen=True, slots=True)
class Proposal:
    """Ask number `ask` of the strategy, and what it proposed; `note` tells of a fallback."""

    ask: int
    architecture: Architecture
    note: str = ""


def derive_seed(seed: int, *path: int) -> int:
    """A 32-bit seed that depends on the run's seed and a path of numbers, and on nothing else."""
    return int(np.random.SeedSequence((seed, *path)).generate_state(1)[0])


class Proposer:
    """Asks a strategy for architectures of a space, and keeps the study that the strategy learns from.

    Args:
        space: what is searched.
        make_sampler: a fresh sampler for a seed.
        seed: the run's.
        mode: whether a greater value is better; of several objectives one for each, or one for all.
        metric: the name of the value among a report's metrics; of several objectives all names.
    """

    def __init__(
        self,
        space: Space,
        make_sampler: Callable[[int], BaseSampler],
        *,
        seed: int,
        mode: Mode | Sequence[Mode],
        metric: str | Sequence[str],
    ) -> None:
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._space, self._make_sampler, self._seed = space, make_sampler, seed
        self._objectives = objectives_of(metric, mode)
        self._storage = StudyMemory()
        directions = [_DIRECTIONS[one.mode] for one in self._objectives]
        self._study = optuna.create_study(storage=self._storage, directions=directions)
        self._study_id = self._storage.get_study_id_from_name(self._study.study_name)
        self._distributions = space.to_optuna()
        self._asks = 0
        self._ask_of_trial: dict[int, int] = {}
        self._failures = 0
        self._prior = Prior()

    def propose(self) -> Proposal:
        """Ask the strategy for a valid architecture; if it fails, a random one stands in and the note says so.

        So it does, without a note, for a strategy that insists on what the space's rule refuses.

        Raises:
            Exhausted: it has nothing left to propose.
            StrategyError: it failed five times in a row.
        """
        self._translate()
        for _ in range(_INVALID_IN_A_ROW):
            ask = self._asks
            seed = derive_seed(self._seed, 0, ask)
            try:
                # A sampler of one's own may raise anything; the search must not end with it.
                architecture = self._ask(ask, self._make_sampler(seed))
            except Exhausted:
                raise
            except ArchitectureError:
                # The space's `valid` rule refused it, which no sampler can know beforehand.
                self._skip_to(ask + 1)
                continue
            except Exception as error:  # noqa: BLE001
                return self._stand_in(ask, seed, error)
            self._asks = ask + 1
            self._failures = 0
            return Proposal(ask, architecture)
        return self.propose_instead(self._space.sample(derive_seed(self._seed, 0, self._asks)))

    def propose_instead(self, architecture: Architecture) -> Proposal:
        """Enter an architecture that the coordinator chose as if the strategy had proposed it."""
        self._enter(self._asks, architecture)
        return Proposal(self._asks - 1, architecture)

    def apply(self, event: Event, trial: TrialRecord | None = None) -> None:
        """Take in an event; `trial` is its trial as it stood when the event happened."""
        match event:
            case Asked():
                self._ask_of_trial[event.trial] = event.ask
                self._enter(event.ask, event.tree)
                self._prior.meet(event.id, event.ask)
            case Retried() if trial is not None:
                # The first attempt stays failed, which no sampler sees; this one is a trial of its own to the strategy.
                self._ask_of_trial[event.trial] = event.ask
                self._enter(event.ask, trial.asked)
            case Known():
                self._remember(event)
            case Answered() if trial is not None:
                self._enter(event.ask, event.tree)
                self._answer(event.ask, trial)
            case Reported():
                self._report(self._ask_of_trial[event.trial], event.epoch, event.metrics)
            case Paused():
                # Until it goes on, which may never be, it is to the strategy what a stopped trial is.
                ask = self._trial_id(self._ask_of_trial[event.trial])
                self._storage.pause(ask, self._values(ask, event.value) or [event.value])
            case Ended():
                self._end(self._ask_of_trial[event.trial], event.state, event.value)

    def _ask(self, ask: int, sampler: BaseSampler) -> Architecture:
        if isinstance(sampler, ArchitectureSampler):
            # No detour over single parameters: what it proposes is entered as a replay will enter it.
            architecture = self._space.validate(sampler.propose(self._study, ask))
            self._enter(ask, architecture)
            return architecture
        self._study.sampler = sampler
        return self._space.suggest(self._study.ask())

    def _enter(self, ask: int, architecture: Architecture | Any) -> None:
        """Make the study's trial `ask`, unless the strategy made it just now."""
        if ask < self._asks:
            return
        self._skip_to(ask)
        params = self._space.params(architecture)
        self._storage.add_running(params, {name: self._distributions[name] for name in params})
        self._asks = ask + 1

    def _remember(self, event: Known) -> None:
        """Make a trial of another run the study's next one."""
        ask = self._asks
        self._enter(ask, event.tree)
        self._prior.add(ask, event)
        for epoch, value in event.curve:
            self._storage.set_trial_intermediate_value(self._trial_id(ask), int(epoch), value)
        self._end(ask, event.state, event.curve[-1][1])

    def _translate(self) -> None:
        """Show what is known of other runs as this one would have measured it, as far as can be told by now."""
        for line, known in self._prior.news(lambda ask: self._storage.get_trial(ask).intermediate_values):
            for ask, event in known.items():
                curve = {int(epoch): line.at(value) for epoch, value in event.curve}
                # Trials that do not carry over to this task are better left out.
                state = _STATES[event.state if line.slope else "failed"]
                self._storage.revise(self._trial_id(ask), state, curve)

    def _stand_in(self, ask: int, seed: int, error: Exception) -> Proposal:
        self._failures += 1
        if self._failures >= _FAILURES_IN_A_ROW:
            raise StrategyError(
                f"the strategy failed {self._failures} times in a row, at last with {type(error).__name__}: {error}; "
                "what was found so far is safe: mend the strategy, then resume"
            ) from error
        self._skip_to(ask + 1)
        proposal = self.propose_instead(self._space.sample(seed))
        return replace(proposal, note=f"the strategy failed ({error!r}): proposed at random instead")

    def _skip_to(self, ask: int) -> None:
        """Fill the asks that came to nothing with failed trials, which samplers do not see."""
        made = self._storage.get_n_trials(self._study_id)
        for number in range(self._asks, min(made, ask)):
            self._storage.set_trial_state_values(self._trial_id(number), TrialState.FAIL)
        for _ in range(made, ask):
            self._study.add_trial(create_trial(state=TrialState.FAIL))
        self._asks = max(self._asks, ask)

    def _answer(self, ask: int, original: TrialRecord) -> None:
        for report in original.reports:
            self._report(ask, report.epoch, report.metrics)
        # One that still runs has no answer yet; failed ones are invisible to every sampler.
        state = "pruned" if original.state == "paused" else original.state if original.over else "failed"
        self._end(ask, state, original.value)

    def _report(self, ask: int, epoch: int, metrics: dict[str, float]) -> None:
        values = [metrics[one.metric] for one in self._objectives if one.metric in metrics]
        if len(values) == len(self._objectives):
            self._storage.report(self._trial_id(ask), epoch, values)

    def _end(self, ask: int, state: str, value: float | None) -> None:
        # The study's own tell would let the sampler look at the trial, which another one will learn from, and
        # would return a deep copy of it.
        values = None if state == "failed" else self._values(ask, value)
        self._storage.set_trial_state_values(self._trial_id(ask), _STATES[state], values)

    def _values(self, ask: int, value: float | None) -> list[float] | None:
        """What a trial came to: `value`; in several objectives its last report, which the value is the first of."""
        if value is None or len(self._objectives) == 1:
            return None if value is None else [value]
        return last_values(self._storage.get_trial(self._trial_id(ask)))

    def _trial_id(self, ask: int) -> int:
        return self._storage.get_trial_id_from_study_id_trial_number(self._study_id, ask)
