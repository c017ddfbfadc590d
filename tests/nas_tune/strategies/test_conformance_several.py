"""What every strategy promises that says it can handle several objectives: the conformance of the port goes on."""

from __future__ import annotations

import functools
import random
from collections.abc import Callable, Sequence

import pytest

import search_spaces
from nas_tune.config import SearchConfig
from nas_tune.coordination.coordinator import Budget, Coordinator, Objective
from nas_tune.coordination.proposer import Proposer
from nas_tune.errors import ConfigError
from nas_tune.ledger import Asked, Ended, Event, MemoryLedger, Paused, Promoted, Reported
from nas_tune.objectives.objective import Mode, takes_several
from nas_tune.schedulers import make as make_scheduler
from nas_tune.session.search_setup import SearchSetup
from nas_tune.strategies import STRATEGIES, make
from nas_tune.strategies.architecture_sampler import Exhausted
from search_spaces import Architecture, Space
from tests.nas_tune.strategies.test_conformance import home, nested_space, pair, small
from tests.sweeps import quick
from tests.toys import quality
from trainables.trial.session import Outcome

SEVERAL = [name for name, factory in STRATEGIES.items() if takes_several(factory)]
METRICS = ("accuracy", "size")
_SIZES = {"none": 0.0, "skip_connect": 0.0, "avg_pool_3x3": 0.1, "nor_conv_1x1": 1.0, "nor_conv_3x3": 3.0}


def size(made: Architecture) -> float:
    """What works against quality."""
    text = made.to_json()
    return sum(text.count(f'"{option}"') * weight for option, weight in _SIZES.items()) + len(text) / 1000


def proposer(name: str, space: Space, seed: int = 0, modes: Sequence[Mode] = ("max", "min")) -> Proposer:
    return Proposer(space, lambda s: make(name, space, s, small(name, space)), seed=seed, mode=modes, metric=METRICS)


def fate(trial: int, ask: int, made: Architecture, sign: float) -> list[Event]:
    """Two epochs; of ten trials one was stopped, one failed, one diverged, two paused (one for ever), one runs."""
    value, other = sign * quality(made), sign * size(made)
    first, second = (Reported(trial, e, {"accuracy": value * e / 2, "size": other}, 0.0) for e in (1, 2))
    asked, paused = Asked(trial, ask, made.tree, made.id, 0), Paused(trial, value / 2)
    match trial % 10:
        case 3:
            return [asked, first, Ended(trial, "pruned", value / 2)]
        case 5:
            return [asked, Ended(trial, "failed", None, "error", "no", "")]
        case 6:
            nan = Reported(trial, 1, {"accuracy": value, "size": float("nan")}, 0.0)
            return [asked, nan, Ended(trial, "failed", None, "diverged", "nan", "")]
        case 7:
            return [asked, first, paused]
        case 8:
            return [asked, first]
        case 9:
            return [asked, first, paused, Promoted(trial), second, Ended(trial, "complete", value)]
    return [asked, first, second, Ended(trial, "complete", value)]


def run(asked: Proposer, trials: range, sign: float = 1.0) -> tuple[list[Architecture], list[Event]]:
    made, told = [], []
    for trial in trials:
        try:
            proposal = asked.propose()
        except Exhausted:
            break
        assert proposal.note == "", proposal.note
        made.append(proposal.architecture)
        for event in fate(trial, proposal.ask, proposal.architecture, sign):
            asked.apply(event)
            told.append(event)
    return made, told


def test_these_can_handle_several() -> None:
    assert {"auto", "bananas", "evolution", "genetic", "grid", "local_search"} <= set(SEVERAL)
    assert {"nsga2", "nsga3", "random", "tpe"} <= set(SEVERAL)


@pytest.mark.parametrize("make_space", [pair, nested_space])
@pytest.mark.parametrize("name", SEVERAL)
def test_proposals_are_members_and_go_on_after_a_replay(name: str, make_space: Callable[[], Space]) -> None:
    space = make_space()
    live, replayed = (proposer(name, space, seed=5) for _ in range(2))
    made, told = run(live, range(11))
    assert all(space.validate(one.tree).id == one.id for one in made)
    for event in told:
        replayed.apply(event)
    assert run(replayed, range(11, 14)) == run(live, range(11, 14))


@pytest.mark.parametrize("name", SEVERAL)
def test_less_of_a_loss_is_as_good_as_more_of_a_score(name: str) -> None:
    space = home(name)
    one, other = proposer(name, space, 1), proposer(name, space, 1, ("min", "max"))
    assert run(one, range(12))[0] == run(other, range(12), sign=-1.0)[0]


@pytest.mark.parametrize("name", SEVERAL)
def test_whole_numbers_in_every_objective_are_as_good_as_floats(name: str) -> None:
    """Parameters and operations are counted in ints; the same proposals, live and replayed from the ledger's events."""
    space = home(name)
    floats, ints, replayed = (proposer(name, space, 2) for _ in range(3))
    for trial in range(14):
        proposal = ints.propose()
        assert (floats.propose(), proposal.note) == (proposal, "")
        made = proposal.architecture
        values = {"accuracy": round(100 * quality(made)), "size": round(100 * size(made))}
        for number, told in ((float, [floats]), (int, [ints, replayed])):
            metrics = {metric: number(value) for metric, value in values.items()}
            asked = Asked(trial, proposal.ask, made.tree, made.id, 0)
            for event in (asked, Reported(trial, 1, metrics, 0.0), Ended(trial, "complete", metrics["accuracy"])):
                for one in told:
                    one.apply(event)
    assert replayed.propose() == ints.propose()


def coordinator(name: str, space: Space, ledger: MemoryLedger) -> Coordinator:
    return Coordinator(
        ledger,
        space=space,
        proposer=proposer(name, space, 3),
        scheduler=make_scheduler("asha_promote", 3),
        objective=[Objective("accuracy", "max"), Objective("size", "min")],
        budget=Budget(14, None, 3),
        seed=3,
    )


def step(searching: Coordinator, trial: int, space: Space) -> bool:
    """One epoch of a trial; whether it goes on."""
    made = space.validate(searching.state.trials[trial].tree)
    epoch = searching.state.trials[trial].epochs + 1
    metrics = {"accuracy": quality(made) * epoch / 3, "size": size(made) if trial != 4 else float("nan")}
    return searching.report(trial, Outcome(epoch, metrics, 0.1, finished=epoch == 3))


@pytest.mark.parametrize("name", SEVERAL)
def test_a_run_that_pauses_and_was_cut_with_three_running_goes_on_as_if_it_had_not_been(name: str) -> None:
    space, ledger, rng = home(name), MemoryLedger(), random.Random(1)
    live = coordinator(name, space, ledger)
    running: list[int] = []
    for _ in range(14):
        while len(running) < 3 and (assignment := live.ask()) is not None:
            running.append(assignment.trial)
        if not step(live, running[place := rng.randrange(3)], space):
            running.pop(place)
    copied = MemoryLedger()
    copied.append(*(event for event, _ in ledger.events()))
    resumed = coordinator(name, space, copied)
    for one, waiting in ((live, sorted(running)), (resumed, [])):
        while waiting or (assignment := one.ask()) is not None:
            trial = waiting.pop(0) if waiting else assignment.trial  # type: ignore[union-attr]
            while step(one, trial, space):
                pass
    trees = [[(trial.tree, trial.state) for trial in one.state.trials.values()] for one in (live, resumed)]
    assert trees[0] == trees[1]
    assert {state for _, state in trees[0]} == {"complete", "failed", "paused"}


@pytest.mark.parametrize("name", [name for name in STRATEGIES if name not in SEVERAL])
def test_the_others_refuse_at_the_start_and_name_those_that_can(name: str) -> None:
    space = home(name)
    config = SearchConfig(space="s", metric=["a", "b"], mode="max", max_trials=1, executor="inline", strategy=name)
    said = rf"strategy: '{name}' optimizes one metric, and there are 2 \(a, b\); .*several \(auto, .*tpe\)"
    with pytest.raises(ConfigError, match=said):
        SearchSetup.of(config, space, lambda architecture: iter(()))


NB201 = search_spaces.get("nb201")
_WORTH = {"none": -0.3, "skip_connect": 0.25, "avg_pool_3x3": 0.1, "nor_conv_1x1": 0.5, "nor_conv_3x3": 1.0}
_COST = {"none": 0.0, "skip_connect": 0.0, "avg_pool_3x3": 0.2, "nor_conv_1x1": 1.0, "nor_conv_3x3": 3.0}
_EDGES = (1.5, 0.5, 1.0, 0.4, 0.8, 1.8)


def trade(made: Architecture) -> dict[str, float]:
    """What is worth more costs more, and it matters where."""
    chosen = list(NB201.params(made).values())
    worth = sum(_WORTH[str(option)] * weight for option, weight in zip(chosen, _EDGES, strict=True))
    return {"accuracy": worth / 6, "size": sum(_COST[str(option)] for option in chosen) / 18}


def hypervolume(points: Sequence[dict[str, float]]) -> float:
    """What the front covers, from an accuracy of -0.3 up and a size of 1.2 down."""
    covered, least = 0.0, 1.2
    for point in sorted(points, key=lambda point: -point["accuracy"]):
        if point["size"] < least:
            covered += (point["accuracy"] + 0.3) * (least - point["size"])
            least = point["size"]
    return covered


@functools.cache
def covered(name: str, trials: int) -> float:
    """By two searches together."""
    total = 0.0
    for seed in (0, 1):
        settings = {
            "nsga2": {"population": 10},
            "evolution": {"population": 12, "sample": 4},
            "auto": {"candidates": 60},
        }.get(name, {})
        make_sampler = lambda s: make(name, NB201, s, settings)  # noqa: B023, E731
        asked = Proposer(NB201, make_sampler, seed=seed, mode=["max", "min"], metric=METRICS)
        points = []
        for trial in range(trials):
            made, ask = (proposal := asked.propose()).architecture, proposal.ask
            points.append(trade(made))
            asked.apply(Asked(trial, ask, made.tree, made.id, 0))
            asked.apply(Reported(trial, 1, points[-1], 0.0))
            asked.apply(Ended(trial, "complete", points[-1]["accuracy"]))
        total += hypervolume(points)
    return total


@pytest.mark.parametrize(
    ("name", "trials", "margin"),
    quick(
        [("nsga2", 120, 1.05), ("evolution", 120, 1.05), ("local_search", 60, 1.03), ("auto", 14, 1.03)],
        [("evolution", 120, 1.05), ("auto", 14, 1.03)],
    ),
)
def test_it_covers_more_than_random_search(name: str, trials: int, margin: float) -> None:
    assert covered(name, trials) > margin * covered("random", trials)
