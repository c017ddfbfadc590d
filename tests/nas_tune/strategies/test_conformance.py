"""What every strategy promises, on every kind of space: the conformance of the port.

It takes whatever is registered. `SMALL` makes populations and the like fit for a dozen trials, where a strategy has
such a setting; what a strategy needs beyond that stands in `OWN`.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import pytest

import search_spaces
from nas_tune.config.components import factory_settings
from nas_tune.coordination.coordinator import Budget, Coordinator, Objective
from nas_tune.coordination.proposer import Proposer
from nas_tune.ledger import Asked, Ended, Event, MemoryLedger, Reported
from nas_tune.schedulers import NoScheduler
from nas_tune.strategies import STRATEGIES, make
from nas_tune.strategies.architecture_sampler import Exhausted
from search_spaces import Architecture, Space, choice, integer, real, repeat, subset
from tests.nas_tune.runs import epoch
from tests.sweeps import quick
from tests.toys import conditional_space, quality, ruled_space, tiny_space

SMALL: dict[str, Any] = {"population": 5, "sample": 2, "startup": 4, "min_points": 3, "candidates": 8}
OWN: dict[str, dict[str, Any]] = {"gp": {"startup": 8}}
DEAR = {"gp"}
"""Their proposals take long: they meet fewer spaces."""
NEEDS_BLOCKS = {"progressive"}
"""They grow architectures block by block, and say so when a space has none."""


def nested_space() -> Space:
    """Lists in options in lists, subsets, numbers of all kinds."""
    block = {
        "op": choice({"conv": {"kernel": choice(3, 5)}, "mix": subset(["a", "b", "c"], (1, 2))}),
        "width": integer(1, 9),
    }
    return Space({"blocks": repeat(block, 1, 3), "rate": real(1e-4, 0.1, log=True), "drop": real(0.0, 0.5, step=0.1)})


def pair() -> Space:
    return Space({"only": choice("this", "that")})


SPACES: dict[str, Callable[[], Space]] = {
    "pair": pair,
    "ruled": ruled_space,
    "conditional": conditional_space,
    "nested": nested_space,
    "nb201": lambda: search_spaces.get("nb201"),
    "chain": lambda: search_spaces.get("chain"),
}
WITH_BLOCKS = ("nested", "chain")
GENERAL = sorted(STRATEGIES.keys() - NEEDS_BLOCKS)
EVERY = [(name, place) for name in GENERAL for place in SPACES if name not in DEAR or place == "conditional"]
EVERY += [(name, place) for name in sorted(NEEDS_BLOCKS) for place in WITH_BLOCKS]
DEARER = {"auto", "cmaes", "ppo", "predictor", "tpe"}
"""On large spaces what they propose takes a second: those are tried with the slow tests."""
OFTEN = [one for one in EVERY if one[0] not in DEARER or one[1] in ("pair", "ruled", "conditional")]


def home(name: str) -> Space:
    """A conditional space that the strategy can search."""
    return nested_space() if name in NEEDS_BLOCKS else conditional_space()


def small(name: str, space: Space) -> dict[str, Any]:
    """The settings of a strategy for a dozen trials."""
    takes = factory_settings(STRATEGIES[name])
    endless = any(parameter.count is None for parameter in space.parameters)
    wanted = {**SMALL, **({"points": 3} if endless else {})}
    return {key: value for key, value in wanted.items() if key in takes} | OWN.get(name, {})


def proposer(name: str, space: Space, seed: int = 0, mode: Literal["max", "min"] = "max") -> Proposer:
    make_sampler = lambda s: make(name, space, s, small(name, space))  # noqa: E731
    return Proposer(space, make_sampler, seed=seed, mode=mode, metric="accuracy")


def fate(trial: int, ask: int, made: Architecture, sign: float = 1.0) -> list[Event]:
    """Two epochs; of ten trials one each was stopped, failed, diverged and infeasible, two are still running."""
    value = sign * quality(made)
    first, second = (Reported(trial, e, {"accuracy": value * e / 2}, 0.0) for e in (1, 2))
    asked = Asked(trial, ask, made.tree, made.id, 0)
    match trial % 10:
        case 3:
            return [asked, first, Ended(trial, "pruned", value / 2)]
        case 5:
            return [asked, Ended(trial, "failed", None, "error", "no", "")]
        case 6:
            nan = Reported(trial, 1, {"accuracy": float("nan")}, 0.0)
            return [asked, nan, Ended(trial, "failed", None, "diverged", "nan", "")]
        case 2:
            return [asked, Ended(trial, "failed", None, "constraint", "too large", "")]
        case 7:
            return [asked]
        case 8:
            return [asked, first]
    return [asked, first, second, Ended(trial, "complete", value)]


def run(asked: Proposer, trials: range, sign: float = 1.0) -> tuple[list[Architecture], list[Event]]:
    """What was proposed, until a strategy has no more, and everything that the proposer was told."""
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


@pytest.mark.parametrize(("name", "place"), quick(EVERY, OFTEN))
def test_proposals_are_members_follow_from_the_seed_and_go_on_after_a_replay(name: str, place: str) -> None:
    space = SPACES[place]()
    live = proposer(name, space, seed=5)
    made, told = run(live, range(12))
    assert all(space.validate(one.tree).id == one.id for one in made)
    replayed = proposer(name, space, seed=5)
    for event in told:
        replayed.apply(event)
    following = run(live, range(12, 15))
    assert run(replayed, range(12, 15)) == following
    if place in ("nb201", "chain", "nested") and small(name, space).get("order") != "lexicographic":
        assert run(proposer(name, space, seed=6), range(4))[0] != made[:4]


@pytest.mark.parametrize("name", STRATEGIES)
def test_less_of_a_loss_is_as_good_as_more_of_a_score(name: str) -> None:
    """The same proposals, from the first to the last; so a seed determines every draw, too."""
    space = home(name)
    most, least = proposer(name, space, 1), proposer(name, space, 1, "min")
    assert run(most, range(11))[0] == run(least, range(11), sign=-1.0)[0]


def coordinator(name: str, space: Space, ledger: MemoryLedger) -> Coordinator:
    return Coordinator(
        ledger,
        space=space,
        proposer=proposer(name, space, 3),
        scheduler=NoScheduler(),
        objective=Objective("accuracy", "max"),
        budget=Budget(None, None, 1),
        seed=3,
    )


def answer(run: Coordinator, trial: int, space: Space) -> None:
    """One fails, one diverges, the others complete."""
    value = quality(space.validate(run.state.trials[trial].tree))
    if trial == 1:
        run.failed(trial, "error", "told to")
    else:
        run.report(trial, epoch(1, float("nan") if trial == 4 else value, finished=True))


def in_parallel(run: Coordinator, space: Space, trials: int, rng: random.Random) -> list[int]:
    """So many trials, three at a time, which end in any order; what is still running."""
    running: list[int] = []
    for _ in range(trials):
        while len(running) < 3 and (assignment := run.ask()) is not None:
            running.append(assignment.trial)
        if not running:
            break
        answer(run, running.pop(rng.randrange(len(running))), space)
    return running


@pytest.mark.parametrize(
    ("name", "make_space"),
    [(name, made) for name in GENERAL for made in (pair, tiny_space, ruled_space) if name not in DEAR or made is pair],
)
def test_a_small_space_is_searched_whole_and_then_the_run_ends(name: str, make_space: Callable[[], Space]) -> None:
    space = make_space()
    searching = coordinator(name, space, MemoryLedger())
    assert in_parallel(searching, space, 40, random.Random(0)) == []
    assert searching.stopping == "exhausted"
    found = {trial.architecture_id for trial in searching.state.trials.values()}
    assert found == {made.id for made in space.enumerate()}


@pytest.mark.parametrize("name", STRATEGIES)
def test_a_run_that_was_cut_with_three_trials_running_goes_on_as_if_it_had_not_been(name: str) -> None:
    space = home(name)
    ledger = MemoryLedger()
    live = coordinator(name, space, ledger)
    running = in_parallel(live, space, 9, random.Random(1))
    copied = MemoryLedger()
    copied.append(*(event for event, _ in ledger.events()))
    resumed = coordinator(name, space, copied)
    assert [resumed.ask().trial for _ in running] == sorted(running)  # type: ignore[union-attr]
    for one in (live, resumed):
        for trial in sorted(running):
            answer(one, trial, space)
        for _ in range(3):
            answer(one, one.ask().trial, space)  # type: ignore[union-attr]
    trees = [[trial.tree for trial in one.state.trials.values()] for one in (live, resumed)]
    assert trees[0] == trees[1]


def following(name: str) -> str:
    """The id of what a strategy proposes after a dozen trials that another strategy chose."""
    space = home(name)
    _, told = run(proposer("random", space, seed=8), range(14))
    asked = proposer(name, space, seed=8)
    for event in told:
        asked.apply(event)
    return asked.propose().architecture.to_json()


@pytest.mark.slow
def test_another_process_proposes_the_same() -> None:
    """Nothing hangs on the order of sets, or on what this process has kept."""
    names = sorted(STRATEGIES.keys() - DEAR)
    code = f"from {__name__} import following\nfor name in {names!r}: print(following(name))"
    environment = {**os.environ, "PYTHONHASHSEED": "7"}
    root = Path(__file__).parents[3]
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=root, env=environment, capture_output=True, text=True, check=False
    )
    assert done.stdout.splitlines() == [following(name) for name in names], done.stderr
