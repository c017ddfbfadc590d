"""What early stopping saves on the surrogate of NAS-Bench-301: the cost of reaching what full trainings reach.

    NAS_TUNE_TABLES=FOLDER python tests/benchmarks/fidelities.py [SEEDS]

The budget is that of 100 full trainings, of 98 epochs. The aim is the mean validation accuracy that random search has
after it, every architecture trained in full; told is the share of the budget after which half of the races of a pair
are there. Time is virtual, and the architecture that counts is the best among those trained longest.
"""

from __future__ import annotations

import math
import statistics
import sys
from collections import defaultdict

from _report import heading, line

from nas_tune.benchmarks.races import Contest, Race, contestant_of, run_races
from nas_tune.benchmarks.tables import Table
from nas_tune.config import Component
from nas_tune.errors import ConfigError
from nas_tune.session.spaces import make_space

SPACE = Component("darts")
TABLE = {"file": "nb301/nb301_v0.onnx"}
ARCHITECTURES = 100
PAIRS = (
    "random",
    "auto",
    "asha",
    "asha_promote",
    "hyperband",
    "median",
    "learning_curve",
    "bohb+hyperband",
    "dehb+hyperband",
    "dehb+asha_promote",
    "auto+asha",
    "auto+asha_promote",
)
WANTED = 8


def budget() -> float:
    """Seconds of so many full trainings, as random architectures take them."""
    space = make_space(SPACE)
    benchmark = Table(space=space, **TABLE).benchmark
    return sum(benchmark.curve(space.sample(seed), seed).seconds[-1] for seed in range(ARCHITECTURES))


def reached(race: Race, aim: float, limit: float) -> float:
    """When the race was there; infinite where it never was."""
    return next((s for s, v in zip(race.seconds, race.values, strict=True) if v >= aim and s <= limit), math.inf)


def main(seeds: int) -> None:
    limit = budget()
    heading(f"NAS-Bench-301, {seeds} seeds, {limit:,.0f} s: {ARCHITECTURES} full trainings")
    races: dict[str, list[Race]] = defaultdict(list)
    contest = Contest(SPACE, TABLE, limit)
    for race in run_races(contest, [contestant_of(name) for name in PAIRS], range(seeds)):
        races[race.contestant].append(race)
    aim = statistics.mean(race.values[-1] for race in races["random"])
    print(f"  random search ends at {aim:.3f}")
    cheaper: dict[str, float] = {}
    for name in PAIRS:
        times = [reached(race, aim, limit) for race in races[name]]
        cheaper[name] = limit / statistics.median_low(times)
        there = sum(map(math.isfinite, times))
        line(name, cheaper[name], "x cheaper", f"{there} of {seeds} races reach it")
    best = max(cheaper, key=lambda name: cheaper[name])
    line(f"the best pair, {best}", cheaper[best], "x cheaper", at_least=WANTED)


if __name__ == "__main__":
    try:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 20)
    except ConfigError as error:
        print(f"  not measured: {error}")
