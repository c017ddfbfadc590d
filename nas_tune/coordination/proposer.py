"""The strategy of a run with its Optuna study, which is kept in memory and follows the events of the ledger.

`propose` asks the strategy, `apply` takes in an event. A replay calls `apply` alone, which enters the proposals of the
ledger into the study. The study's trials are numbered by asks, which count duplicates too; a run's trials are not.
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
from nas_tune.ledger import (
    Answered,
    Asked,
    Costed,
    Ended,
    Event,
    Known,
    Paused,
    Refused,
    Reported,
    Retried,
    TrialRecord,
)
from nas_tune.objectives.limits import Limit, violation
from nas_tune.objectives.objective import Mode, objectives_of
from nas_tune.strategies.architecture_sampler import ArchitectureSampler, Exhausted
from nas_tune.strategies.study_memory import StudyMemory, last_values
from search_spaces import Architecture, ArchitectureError, NoMemberError, Space

__all__ = ["Proposal", "Proposer", "derive_seed"]

_STATES = {"complete": TrialState.COMPLETE, "pruned": TrialState.PRUNED, "failed": TrialState.FAIL}
_DIRECTIONS = {"max": StudyDirection.MAXIMIZE, "min": StudyDirection.MINIMIZE}
_FAILURES_IN_A_ROW = 5
_INVALID_IN_A_ROW = 20


@dataclass(frozen=True, slots=True)
class Proposal:
    """A proposal of the strategy.

    Attributes:
        ask: the number of the ask, which counts duplicates too.
        architecture: what is proposed.
        note: why a random architecture replaces a proposal; empty without a fallback.
    """

    ask: int
    architecture: Architecture
    note: str = ""


def derive_seed(seed: int, *path: int) -> int:
    """Derive a seed, which depends on the run's seed and a path of numbers, and on nothing else.

    Args:
        seed: the run's.
        path: numbers that tell the uses of the seed apart.

    Returns:
        A 32-bit seed.
    """
    return int(np.random.SeedSequence((seed, *path)).generate_state(1)[0])


class Proposer:
    """Asks a strategy for architectures of a space, and keeps the study that the strategy learns from.

    Args:
        space: of the architectures.
        make_sampler: makes a fresh sampler from a seed.
        seed: the run's.
        mode: whether a greater value is better; with several objectives one for each, or one for all.
        metric: the name of the value among a report's metrics; with several objectives all names.
        limits: on costs and metrics; a trial that breaks one is infeasible for the strategy.
    """

    def __init__(
        self,
        space: Space,
        make_sampler: Callable[[int], BaseSampler],
        *,
        seed: int,
        mode: Mode | Sequence[Mode],
        metric: str | Sequence[str],
        limits: Sequence[Limit] = (),
    ) -> None:
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._space, self._make_sampler, self._seed = space, make_sampler, seed
        self._objectives, self._limits = objectives_of(metric, mode), tuple(limits)
        self._storage = StudyMemory()
        directions = [_DIRECTIONS[one.mode] for one in self._objectives]
        self._study = optuna.create_study(storage=self._storage, directions=directions)
        self._study_id = self._storage.get_study_id_from_name(self._study.study_name)
        self._distributions = space.to_optuna()
        self._asks = 0
        self._ask_of_trial: dict[int, int] = {}
        self._answered_by: dict[int, list[int]] = {}
        self._failures = 0
        self._prior = Prior()

    def propose(self) -> Proposal:
        """Ask the strategy for a valid architecture.

        If the strategy fails, a random architecture replaces its proposal, with a note. If its proposals break the
        space's rule 20 times in a row, a random one replaces them without a note.

        Returns:
            The proposal.

        Raises:
            Exhausted: the strategy has no more architectures to propose.
            StrategyError: the strategy failed five times in a row.
        """
        self._translate()
        for _ in range(_INVALID_IN_A_ROW):
            ask = self._asks
            seed = derive_seed(self._seed, 0, ask)
            try:
                # A sampler of the user may raise anything, and the search must survive it.
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
        return self.propose_instead(self._sampled(derive_seed(self._seed, 0, self._asks)))

    def propose_instead(self, architecture: Architecture) -> Proposal:
        """Enter an architecture that the coordinator chose as if the strategy had proposed it.

        Args:
            architecture: of the space.

        Returns:
            The proposal, with the number of the ask.
        """
        self._enter(self._asks, architecture)
        return Proposal(self._asks - 1, architecture)

    def apply(self, event: Event, trial: TrialRecord | None = None) -> None:
        """Take in an event.

        Args:
            event: of the ledger.
            trial: the event's trial as it was when the event happened; None without one.
        """
        match event:
            case Asked():
                self._ask_of_trial[event.trial] = event.ask
                self._enter(event.ask, event.tree)
                self._prior.record(event.id, event.ask)
            case Retried() if trial is not None:
                # No sampler sees the first attempt, which stays failed. The study gets this attempt as another trial.
                self._ask_of_trial[event.trial] = event.ask
                self._enter(event.ask, trial.asked)
            case Known():
                self._remember(event)
            case Answered() if trial is not None:
                self._enter(event.ask, event.tree)
                self._answered_by.setdefault(event.trial, []).append(event.ask)
                self._constrain(event.ask, trial)
                self._answer(event.ask, trial)
            case Costed():
                # A resume under a new limit finds the costs of trials that ended long ago.
                for ask in (self._ask_of_trial[event.trial], *self._answered_by.get(event.trial, ())):
                    self._constrain(ask, trial)
            case Refused() if event.ask is not None:
                self._enter(event.ask, event.tree)
                self._end(event.ask, "failed", None)
            case Reported():
                self._report(self._ask_of_trial[event.trial], event.epoch, event.metrics)
            case Paused():
                # Until the trial continues, which may never happen, the strategy sees it as a stopped one.
                ask = self._trial_id(self._ask_of_trial[event.trial])
                self._constrain(ask, trial)
                self._storage.pause(ask, self._values(ask, event.value) or [event.value])
            case Ended():
                self._constrain(self._ask_of_trial[event.trial], trial)
                self._end(self._ask_of_trial[event.trial], event.state, event.value)

    def _constrain(self, ask: int, trial: TrialRecord | None) -> None:
        """Tell the study by how much a trial breaks limits, as Optuna keeps the constraints of a trial."""
        if self._limits and trial is not None and trial.reports:
            broken = violation(trial.values, self._limits)
            self._storage.set_constraints(self._trial_id(ask), (broken,))

    def _ask(self, ask: int, sampler: BaseSampler) -> Architecture:
        if isinstance(sampler, ArchitectureSampler):
            # The proposal is a whole architecture, so it is entered as a replay enters it.
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
        limits = [one for one in self._limits if one.name in event.costs]
        if limits:
            broken = violation(event.costs, limits)
            self._storage.set_constraints(self._trial_id(ask), (broken,))
        for epoch, value in event.curve:
            self._storage.set_trial_intermediate_value(self._trial_id(ask), int(epoch), value)
        self._end(ask, event.state, event.curve[-1][1])

    def _translate(self) -> None:
        """Put the values of earlier runs on the scale of this run, as far as the pairs by now allow."""
        for line, known in self._prior.updated_lines(lambda ask: self._storage.get_trial(ask).intermediate_values):
            for ask, event in known.items():
                curve = {int(epoch): line.at(value) for epoch, value in event.curve}
                # Without information on this task (slope 0) the trials count as failed, which samplers ignore.
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
        proposal = self.propose_instead(self._sampled(seed))
        return replace(proposal, note=f"the strategy failed ({error!r}): proposed at random instead")

    def _sampled(self, seed: int) -> Architecture:
        try:
            return self._space.sample(seed)
        except NoMemberError as error:
            raise Exhausted(str(error)) from error

    def _skip_to(self, ask: int) -> None:
        """Enter failed trials, which samplers do not see, for the asks before `ask` without a proposal."""
        made = self._storage.get_n_trials(self._study_id)
        for number in range(self._asks, min(made, ask)):
            self._storage.set_trial_state_values(self._trial_id(number), TrialState.FAIL)
        for _ in range(made, ask):
            self._study.add_trial(create_trial(state=TrialState.FAIL))
        self._asks = max(self._asks, ask)

    def _answer(self, ask: int, original: TrialRecord) -> None:
        for report in original.reports:
            self._report(ask, report.epoch, report.metrics)
        # A trial that still runs has no value yet: a failed one, which samplers do not see, stands in.
        state = "pruned" if original.state == "paused" else original.state if original.over else "failed"
        self._end(ask, state, original.value)

    def _report(self, ask: int, epoch: int, metrics: dict[str, float]) -> None:
        values = [metrics[one.metric] for one in self._objectives if one.metric in metrics]
        if len(values) == len(self._objectives):
            self._storage.report(self._trial_id(ask), epoch, values)

    def _end(self, ask: int, state: str, value: float | None) -> None:
        # `study.tell` would call the sampler, although each ask makes a fresh one that reads the study, and would
        # return a deep copy of the trial.
        values = None if state == "failed" else self._values(ask, value)
        self._storage.set_trial_state_values(self._trial_id(ask), _STATES[state], values)

    def _values(self, ask: int, value: float | None) -> list[float] | None:
        """The values of a trial: `value` with one objective, those of its last report with several."""
        if value is None or len(self._objectives) == 1:
            return None if value is None else [value]
        return last_values(self._storage.get_trial(self._trial_id(ask)))

    def _trial_id(self, ask: int) -> int:
        return self._storage.get_trial_id_from_study_id_trial_number(self._study_id, ask)
