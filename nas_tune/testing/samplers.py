"""The conformance suite of strategies as samplers of plain Optuna studies. For your own strategy too.

    from nas_tune.testing import check_sampler

    def test_my_strategy() -> None:
        check_sampler(lambda space, seed: MyStrategy(space, seed))

A strategy that derives from `nas_tune.strategies.ArchitectureSampler` and keeps no state beside the study passes.
`AssertionError` names the promise that is broken. It imports Optuna, no Ray, and writes nothing.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import optuna
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler
from optuna.storages import BaseStorage
from optuna.study import Study
from optuna.trial import Trial, TrialState, create_trial

from search_spaces import Architecture, Space, choice, integer, real, repeat
from search_spaces.interchange import from_trial, to_trial

__all__ = [
    "Factory",
    "check_beside_parameters",
    "check_foreign_trials",
    "check_restart",
    "check_sampler",
    "check_small_space",
    "check_threads",
    "example_space",
]

Factory = Callable[[Space, int], BaseSampler]
"""A fresh sampler for a space and a seed."""

_SEED = 5


def check_sampler(make: Factory, space: Space | None = None, *, objectives: int = 1, trials: int = 16) -> None:
    """Check every promise of a strategy as a plain sampler, on `space` or on a small conditional one.

    Args:
        make: a fresh sampler for a space and a seed.
        space: of more than `trials` + 12 architectures.
        objectives: how many the study has.
        trials: how long each study is; a strategy should have begun to learn by then.

    Raises:
        AssertionError: a promise is broken; the message says which.
    """
    space = space or example_space()
    with _without_log():
        check_beside_parameters(make, space, objectives=objectives, trials=trials)
        check_restart(make, space, optuna.storages.InMemoryStorage, objectives=objectives, trials=trials)
        check_foreign_trials(make, space, objectives=objectives)
        check_threads(make, space, objectives=objectives)
        check_small_space(make, objectives=objectives)


def example_space() -> Space:
    """Make a small space with decisions of every kind, some of them conditional.

    Returns:
        The space, of 96 combinations of its discrete decisions, and a real one.
    """
    heads = {"conv": {"kernel": choice(3, 5, 7), "depth": integer(1, 3)}, "attention": {"heads": choice(1, 2, 4)}}
    return Space({"head": choice(heads), "width": integer(8, 64, step=8), "drop": real(0.0, 0.5)}, name="example")


def check_beside_parameters(make: Factory, space: Space, *, objectives: int = 1, trials: int = 16) -> None:
    """Check that parameters of the study, before and after the architecture, change no proposal and are sampled.

    Args:
        make: a fresh sampler for a space and a seed.
        space: of more than `trials` architectures.
        objectives: the number that the study has.
        trials: the length of each study.

    Raises:
        AssertionError: the promise is broken.
    """
    alone = _study(make(space, _SEED), objectives)
    beside = _study(make(space, _SEED), objectives)
    for _ in range(trials):
        _tell(alone, space, alone.ask())
        trial = beside.ask()
        trial.suggest_float("lr", 1e-4, 1e-1, log=True)
        architecture = space.suggest(trial)
        trial.suggest_categorical("optimizer", ["sgd", "adam"])
        trial.suggest_int("batch", 1, 1_000)
        beside.tell(trial, _values(architecture, objectives))
    made = _architectures(space, beside)
    _require(made == _architectures(space, alone), "parameters beside the architecture change no proposal", made)
    _require_distinct(made)
    for name, least in (("lr", trials // 2), ("batch", trials // 2), ("optimizer", 2)):
        values = {trial.params[name] for trial in beside.trials}
        _require(len(values) >= least, f"the parameter {name!r} beside the architecture is sampled", values)


def check_restart(
    make: Factory,
    space: Space,
    storage: Callable[[], BaseStorage],
    *,
    objectives: int = 1,
    trials: int = 16,
) -> None:
    """Check that a study that is loaded again, in another process for example, goes on as without an interruption.

    Args:
        make: a fresh sampler for a space and a seed.
        space: of more than `trials` architectures.
        storage: opens the same storage at every call, empty at first; or makes one in memory.
        objectives: the number that the study has.
        trials: the length of each study.

    Raises:
        AssertionError: the promise is broken.
    """
    whole = _study(make(space, _SEED), objectives)
    for _ in range(trials):
        _tell(whole, space, whole.ask())
    kept = storage()
    first = _study(make(space, _SEED), objectives, kept)
    for _ in range(trials // 2):
        _tell(first, space, first.ask())
    if not isinstance(kept, optuna.storages.InMemoryStorage):
        kept = storage()
    again = optuna.load_study(study_name=first.study_name, storage=kept, sampler=make(space, _SEED))
    for _ in range(trials - trials // 2):
        _tell(again, space, again.ask())
    made = _architectures(space, again)
    _require_distinct(made)
    _require(made == _architectures(space, whole), "a study that is loaded again goes on as it would have", made)


def check_foreign_trials(make: Factory, space: Space, *, objectives: int = 1) -> None:
    """Check that the architectures of foreign trials are read, whatever the state of the trial, and are not repeated.

    Args:
        make: a fresh sampler for a space and a seed.
        space: of more than 22 architectures.
        objectives: the number that the study has.

    Raises:
        AssertionError: the promise is broken.
    """
    study = _study(make(space, _SEED), objectives)
    members = _members(space, 12)
    for made in members[:6]:
        study.add_trial(to_trial(space, made, _values(made, objectives)))
    study.add_trial(to_trial(space, members[6]))  # it waits
    study.enqueue_trial(space.params(members[7]))
    study.enqueue_trial(dict([next(iter(space.params(members[8]).items()))]))
    study.add_trial(_failed(space, members[9]))
    for odd in _odd_trials(space, members[10], objectives):
        study.add_trial(odd)
    running = study.ask()
    before = {made.id for made in (*members[:8], members[9])}
    for number in range(9):
        trial = study.ask()
        made = space.suggest(trial)
        waited = "fixed_params" in study.trials[trial.number].system_attrs
        _require(waited or made.id not in before, "what was proposed before is not proposed again", made)
        before.add(made.id)
        if objectives == 1:
            trial.report(_values(made, 1)[0] / 2, 0)
        states = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)
        state = states[number % 3] if objectives == 1 else states[number % 2 * 2]
        study.tell(trial, _values(made, objectives) if state == TrialState.COMPLETE else None, state=state)
    space.suggest(running)


def check_threads(make: Factory, space: Space, *, objectives: int = 1) -> None:
    """Check that two threads of one `optimize` share the sampler without an error, and without an architecture twice.

    Args:
        make: a fresh sampler for a space and a seed.
        space: of more than 14 architectures.
        objectives: the number that the study has.

    Raises:
        AssertionError: the promise is broken.
    """
    study = _study(make(space, _SEED), objectives)
    study.optimize(lambda trial: _values(space.suggest(trial), objectives), n_trials=14, n_jobs=2)
    _require(len(study.trials) == 14, "two threads run all trials", len(study.trials))
    _require_distinct(_architectures(space, study))


def check_small_space(make: Factory, *, objectives: int = 1) -> None:
    """Check that a small space is searched whole before an architecture is repeated.

    When all are tried, the sampler either stops the study or repeats.

    Args:
        make: a fresh sampler for a space and a seed.
        objectives: the number that the study has.

    Raises:
        AssertionError: the promise is broken.
    """
    space = Space({"blocks": repeat(choice("a", "b"), 1, 2)})
    study = _study(make(space, _SEED), objectives)
    study.optimize(lambda trial: _values(space.suggest(trial), objectives), n_trials=9)
    made = _architectures(space, study)
    _require(len({one.id for one in made}) == space.size, "a small space is searched whole", made)
    _require_distinct(made[: space.size])


@contextmanager
def _without_log() -> Iterator[None]:
    """Optuna logs every trial, among which nobody would see a broken promise."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(before)


def _study(sampler: BaseSampler, objectives: int, storage: BaseStorage | None = None) -> Study:
    return optuna.create_study(storage=storage, sampler=sampler, directions=["maximize"] * objectives)


def _tell(study: Study, space: Space, trial: Trial) -> None:
    study.tell(trial, _values(space.suggest(trial), objectives=len(study.directions)))


def _values(made: Architecture, objectives: int) -> list[float]:
    """Numbers that follow from the architecture, other ones for each objective."""
    return [random.Random(f"{place} {made.id}").random() for place in range(objectives)]


def _members(space: Space, count: int) -> list[Architecture]:
    rng, found = random.Random(1), dict[str, Architecture]()
    while len(found) < count:
        made = space.sample(rng)
        found[made.id] = made
    return list(found.values())


def _failed(space: Space, made: Architecture) -> optuna.trial.FrozenTrial:
    params, distributions = space.params(made), space.to_optuna()
    return create_trial(
        state=TrialState.FAIL, params=params, distributions={name: distributions[name] for name in params}
    )


def _odd_trials(space: Space, made: Architecture, objectives: int) -> Sequence[optuna.trial.FrozenTrial]:
    """Trials that say no architecture, or nothing that can be compared."""
    params, distributions = space.params(made), space.to_optuna()
    values = [1.0] * objectives
    lr: dict[str, BaseDistribution] = {"lr": optuna.distributions.FloatDistribution(0.0, 1.0)}
    first = next(iter(params))
    endless = to_trial(space, made, [float("inf")] * objectives)
    return [
        create_trial(values=values),
        create_trial(values=values, params={"lr": 0.5}, distributions=lr),
        create_trial(values=values, params={first: params[first]}, distributions={first: distributions[first]}),
        create_trial(state=TrialState.PRUNED),
        create_trial(state=TrialState.FAIL),
        endless,
    ]


def _architectures(space: Space, study: Study) -> list[Architecture]:
    return [from_trial(space, trial) for trial in study.trials]


def _require_distinct(made: Sequence[Architecture]) -> None:
    _require(len({one.id for one in made}) == len(made), "no architecture is proposed twice", made)


def _require(holds: bool, promise: str, about: object) -> None:
    if not holds:
        raise AssertionError(f"{promise}: broken by {about!r}")
