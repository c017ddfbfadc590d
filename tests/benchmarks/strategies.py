"""What a proposal costs: ask + tell of every strategy, after 100 and after 1,000 trials, on three spaces.

    python tests/benchmarks/strategies.py [STRATEGY ...]

The trials are the same for all: half of them drawn at random, half mutations of the best so far, each of three epochs,
one in ten stopped after the first. They are replayed into a fresh proposer, as a resumed run does it; `first` is the
first proposal after that (a model or a controller is built), the figure is the median of those that follow. Seconds
are of the processor, on one thread, so that a busy machine does not change them much.
"""

from __future__ import annotations

import os
import random
import sys
import time
from collections.abc import Iterator
from statistics import median

from _report import heading
from threadpoolctl import threadpool_limits

import search_spaces
from nas_tune.coordination.proposer import Proposer
from nas_tune.errors import NasTuneError
from nas_tune.ledger import Answered, Asked, Ended, Event, Reported, RunState
from nas_tune.strategies import STRATEGIES, make
from search_spaces import Architecture, Space
from tests.toys import quality

SPACES = ("nb201", "darts", "chain")
TRIALS = (100, 1_000)
ASKS, SECONDS = 15, 4.0
"""A strategy is asked so often, or for so long, whichever comes first."""
AT_MOST_MS = 50.0
DEAR = {"gp"}
"""Their docstring says what they cost."""


def history(space: Space, trials: int) -> list[Event]:
    """Trials as a search leaves them."""
    rng = random.Random(0)
    events: list[Event] = []
    best: list[tuple[float, Architecture]] = []
    seen: set[str] = set()
    while len(seen) < trials:
        explores = len(seen) < 10 or rng.random() < 0.5
        made = space.sample(rng) if explores else space.mutate(rng.choice(best)[1], rng)
        if made.id in seen:
            continue
        events += fate(len(seen), len(seen), made)
        seen.add(made.id)
        best = sorted([*best, (quality(made), made)], key=lambda pair: -pair[0])[:10]
    return events


def fate(trial: int, ask: int, made: Architecture) -> list[Event]:
    """Three epochs; one trial in ten is stopped after the first."""
    value = quality(made)
    reports = [Reported(trial, epoch, {"accuracy": value * (1 - 0.3**epoch)}, 0.0) for epoch in (1, 2, 3)]
    asked = Asked(trial, ask, made.tree, made.id, 0)
    if trial % 10 == 9:
        return [asked, reports[0], Ended(trial, "pruned", reports[0].metrics["accuracy"])]
    return [asked, *reports, Ended(trial, "complete", reports[2].metrics["accuracy"])]


class Asker:
    """A run's proposer, told of `events`."""

    def __init__(self, space: Space, name: str, events: list[Event]) -> None:
        self.proposer = Proposer(space, lambda seed: make(name, space, seed), seed=0, mode="max", metric="accuracy")
        self.state = RunState()
        for event in events:
            self.take_in(event)

    def take_in(self, event: Event) -> None:
        self.state.apply(event, 0.0)
        self.proposer.apply(event, self.state.trials.get(getattr(event, "trial", -1)))

    def ask_and_tell(self) -> float:
        """Seconds of the processor; what repeats an earlier trial is answered as the coordinator does."""
        started = time.process_time()
        proposal = self.proposer.propose()
        made = proposal.architecture
        known = self.state.by_architecture.get(made.id)
        trial = len(self.state.trials)
        told = fate(trial, proposal.ask, made) if known is None else [Answered(known, proposal.ask, made.tree)]
        for event in told:
            self.take_in(event)
        return time.process_time() - started


def cost(space: Space, name: str, events: list[Event]) -> tuple[float, float] | None:
    """Milliseconds of the first ask + tell, and the median of the following; None where the space is not for it."""
    try:
        asker = Asker(space, name, events)
        make(name, space, 0)
    except NasTuneError:
        return None
    first = asker.ask_and_tell()
    times: list[float] = []
    while len(times) < ASKS and (sum(times) < SECONDS or len(times) < 3):
        times.append(asker.ask_and_tell())
    return 1e3 * first, 1e3 * median(times)


def rows(names: list[str]) -> Iterator[tuple[str, list[tuple[float, float] | None]]]:
    spaces = [search_spaces.get(name) for name in SPACES]
    told = [(space, history(space, trials)) for space in spaces for trials in TRIALS]
    for name in names:
        yield name, [cost(space, name, events) for space, events in told]


def main() -> None:
    # Torch, which `gp` imports late, heeds this only.
    os.environ["OMP_NUM_THREADS"] = "1"
    names = sys.argv[1:] or sorted(STRATEGIES)
    heading(f"ask + tell, ms (first): at most {AT_MOST_MS:g} after {TRIALS[-1]:,} trials")
    columns = [f"{space} {trials}" for space in SPACES for trials in TRIALS]
    print(f"  {'':14}" + "".join(f"{column:>16}" for column in columns))
    missed = []
    with threadpool_limits(1):
        for name, cells in rows(names):
            said = ["-" if cell is None else f"{cell[1]:.1f} ({cell[0]:,.0f})" for cell in cells]
            print(f"  {name:14}" + "".join(f"{text:>16}" for text in said), flush=True)
            over = any(cell is not None and cell[1] > AT_MOST_MS for cell in cells[1::2])
            missed += [name] if over and name not in DEAR else []
    print(f"  {'MISSED: ' + ', '.join(missed) if missed else 'ok'}, {', '.join(sorted(DEAR))} apart")


if __name__ == "__main__":
    main()
