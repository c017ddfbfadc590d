"""Strategies as samplers of plain Optuna studies: the suite that others can run on theirs, and what it cannot show."""

from __future__ import annotations

import random
import statistics
import warnings
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.samplers import BaseSampler, PartialFixedSampler
from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend
from optuna.study import Study
from optuna.trial import TrialState
from sqlalchemy import event

import search_spaces
from nas_tune import testing
from nas_tune.errors import ConfigError
from nas_tune.objectives.objective import takes_several
from nas_tune.strategies import STRATEGIES, ArchitectureSampler, make
from search_spaces import Architecture, Space
from search_spaces.interchange import from_trial
from tests.nas_tune.strategies.test_conformance import DEAR, NEEDS_BLOCKS, nested_space, small
from tests.toys import quality

SEVERAL = [name for name, factory in STRATEGIES.items() if takes_several(factory)]
SINGLE = sorted(STRATEGIES.keys() - set(SEVERAL))
LEARN = sorted(STRATEGIES.keys() - {"random", "grid", "gp"})
"""What a short study shows to learn; `gp` is too dear for one."""
SETTINGS: dict[str, dict[str, Any]] = {
    "cmaes": {"population": 6},
    "dehb": {"population": 6},
    "evolution": {"population": 8, "sample": 4},
    "genetic": {"population": 8, "tournament": 4},
    "nsga2": {"population": 8},
    "nsga3": {"population": 8},
    "ppo": {"controller": "table", "rate": 0.1},
    "reinforce": {"controller": "table", "rate": 0.1},
}


QUICK = {"evolution", "random", "reinforce", "tpe"}
"""What a second storage or a second seed is tried with in every run of the suite; with all others it is slow."""
OFTEN = QUICK | {"auto", "cmaes", "predictor"}
ALONE = (OFTEN | {"local_search", "nsga2", "ppo"}) - {*DEAR}
"""Of each kind, alone with one objective; what all of them propose is held by test_conformance.py."""
ON_DISK = [pytest.param("sqlite", name, marks=() if name in QUICK else pytest.mark.slow) for name in STRATEGIES]
ON_DISK += [pytest.param("journal", name, marks=() if name in QUICK else pytest.mark.slow) for name in STRATEGIES]


def place(name: str) -> Space:
    return nested_space() if name in NEEDS_BLOCKS else testing.example_space()


def factory(name: str) -> testing.Factory:
    few = {"startup": 4} if name in DEAR else {}
    return lambda space, seed: make(name, space, seed, small(name, space) | few)


def trials(name: str) -> int:
    return 8 if name in DEAR else 16


@pytest.mark.parametrize(
    ("name", "objectives"),
    [pytest.param(name, 1, marks=() if name in ALONE else pytest.mark.slow) for name in STRATEGIES]
    + [pytest.param(name, 2, marks=() if name in QUICK else pytest.mark.slow) for name in SEVERAL],
)
def test_every_strategy_is_a_sampler_for_plain_studies(name: str, objectives: int) -> None:
    testing.check_sampler(factory(name), place(name), objectives=objectives, trials=trials(name))


class AtRandom(ArchitectureSampler):
    """A plug-in with a mistake: its numbers do not follow from what it is given."""

    def propose(self, study: Study, number: int) -> Architecture:
        return self.space.sample(random.Random(id(self)))


class Forgetful(BaseSampler):
    """A plug-in that is not an architecture sampler, and begins with the same numbers in every process."""

    def __init__(self, space: Space, seed: int) -> None:
        self.space, self.rng = space, random.Random(seed)

    def infer_relative_search_space(self, study: Study, trial: Any) -> dict[str, Any]:
        return self.space.to_optuna()

    def sample_relative(self, study: Study, trial: Any, search_space: dict[str, Any]) -> dict[str, Any]:
        return self.space.params(self.space.sample(self.rng))

    def sample_independent(self, study: Study, trial: Any, param_name: str, param_distribution: Any) -> Any:
        return param_distribution.choices[0] if hasattr(param_distribution, "choices") else param_distribution.low


@pytest.mark.parametrize(
    ("make_sampler", "broken"),
    [(AtRandom, "parameters beside the architecture change no proposal"), (Forgetful, "is sampled")],
)
def test_the_suite_finds_what_is_wrong_with_a_plug_in(make_sampler: testing.Factory, broken: str) -> None:
    with pytest.raises(AssertionError, match=broken):
        testing.check_beside_parameters(make_sampler, testing.example_space())
    with pytest.raises(AssertionError, match=r"proposed twice|goes on as it would have"):
        testing.check_restart(make_sampler, testing.example_space(), optuna.storages.InMemoryStorage)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One database for all studies: making its tables takes longer than a study."""
    return tmp_path_factory.mktemp("studies")


def unhurried(storage: RDBStorage) -> RDBStorage:
    """Optuna writes a transaction for each parameter; waiting for the disk would be most of the time."""
    event.listen(storage.engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous = OFF"))
    storage.engine.dispose()
    return storage


@pytest.mark.parametrize(("kind", "name"), ON_DISK)
def test_a_study_on_the_disk_goes_on_in_another_process(name: str, kind: str, folder: Path) -> None:
    def opened() -> BaseStorage:
        if kind == "journal":
            return JournalStorage(JournalFileBackend(str(folder / "journal")))
        return unhurried(RDBStorage(f"sqlite:///{folder / 'studies.db'}"))

    testing.check_restart(factory(name), place(name), opened, trials=6)


def searched(sampler: BaseSampler, space: Space, count: int) -> list[float]:
    """The qualities of a study whose trials have a parameter of their own, which does nothing."""
    study = optuna.create_study(sampler=sampler, direction="maximize")

    def objective(trial: optuna.Trial) -> float:
        trial.suggest_float("lr", 1e-4, 1e-1, log=True)
        return quality(space.suggest(trial))

    study.optimize(objective, n_trials=count)
    return [trial.values[0] for trial in study.trials]


def late(name: str, space: Space) -> float:
    runs = [searched(make(name, space, seed, SETTINGS.get(name)), space, 48) for seed in range(2)]
    return statistics.mean(statistics.mean(run[-16:]) for run in runs)


@pytest.fixture(scope="module")
def by_chance() -> dict[str, float]:
    return {space: late("random", search_spaces.get(space)) for space in ("nb201", "chain")}


@pytest.mark.parametrize(
    "name", [name if name == "evolution" else pytest.param(name, marks=pytest.mark.slow) for name in LEARN]
)
def test_it_learns_beside_a_parameter_that_is_not_the_space_s(name: str, by_chance: dict[str, float]) -> None:
    """Random search was all that was left of nine strategies."""
    home = "chain" if name in NEEDS_BLOCKS else "nb201"
    assert late(name, search_spaces.get(home)) > by_chance[home] + 0.02


def test_a_parameter_beside_the_architecture_is_learnt_too() -> None:
    space = testing.example_space()
    study = optuna.create_study(sampler=make("evolution", space, 0), direction="minimize")

    def objective(trial: optuna.Trial) -> float:
        space.suggest(trial)
        return abs(trial.suggest_float("x", 0.0, 1.0) - 0.3)

    study.optimize(objective, n_trials=50)
    assert statistics.mean(trial.values[0] for trial in study.trials[-15:]) < 0.2


@pytest.mark.parametrize("name", SINGLE)
def test_a_strategy_of_one_objective_refuses_a_study_of_two(name: str) -> None:
    space = place(name)
    study = optuna.create_study(sampler=factory(name)(space, 0), directions=["maximize"] * 2)
    with pytest.raises(ConfigError, match=r"optimizes one objective, and the study has 2; take .*nsga2"):
        space.suggest(study.ask())


def fixed(params: dict[str, Any], sampler: BaseSampler) -> BaseSampler:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return PartialFixedSampler(params, sampler)


@pytest.mark.parametrize("name", ["auto", "evolution", "reinforce", "tpe"])
def test_other_samplers_and_pruners_may_stand_around_it(name: str) -> None:
    """One that fixes some parameters, and a pruner that shows a part of the study only."""
    space = testing.example_space()
    sampler = fixed({"head": "conv"}, factory(name)(space, 0))
    pruner = optuna.pruners.HyperbandPruner(min_resource=1, max_resource=9, reduction_factor=3)
    study = optuna.create_study(sampler=sampler, pruner=pruner, direction="maximize", study_name="around")

    def objective(trial: optuna.Trial) -> float:
        made = space.suggest(trial)
        for step in range(1, 10):
            trial.report(quality(made) * step, step)
            if trial.should_prune():
                raise optuna.TrialPruned
        return quality(made) * 9

    study.optimize(objective, n_trials=20)
    assert {state for trial in study.trials if (state := trial.state)} == {TrialState.COMPLETE, TrialState.PRUNED}
    made = [from_trial(space, trial) for trial in study.trials]
    assert {"conv"} == {next(iter(one["head"])) for one in made}
    assert len({one.id for one in made}) == 20


def test_a_grid_that_is_done_stops_the_study_and_warns_who_asks_by_hand() -> None:
    space = Space({"op": search_spaces.choice("a", "b", "c")})
    study = optuna.create_study(sampler=make("grid", space, 0))
    study.optimize(lambda trial: quality(space.suggest(trial)))
    assert 3 <= len(study.trials) <= 4
    with pytest.warns(UserWarning, match="every member of the grid was proposed: from here on"):
        space.suggest(study.ask())


def test_a_check_hides_the_log_of_its_studies_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    before, during = optuna.logging.get_verbosity(), []
    monkeypatch.setattr(
        testing.samplers, "check_small_space", lambda *_, **__: during.append(optuna.logging.get_verbosity())
    )
    testing.check_sampler(factory("random"), place("random"))
    assert during == [optuna.logging.WARNING]
    assert optuna.logging.get_verbosity() == before
