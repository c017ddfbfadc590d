"""Searches of spaces whose truth is known: what stands out that should not, and what should and does not."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any
from zlib import crc32

import nas_tune
from nas_tune.analysis import Importance, importances
from search_spaces import Architecture, Space, choice, integer

__all__ = ["SEARCHES", "TRUTHS", "Search", "Truth", "differing", "judged", "searched", "verdicts"]

EPOCHS = 9


@dataclass(frozen=True)
class Truth:
    """What an architecture is worth, up to noise, and on which decisions that depends: the largest first."""

    space: Space
    worth: Callable[[Any], float]
    noise: float
    matter: tuple[str, ...] = ()
    pair: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Search:
    """A strategy with its settings, a scheduler, and how many trials."""

    strategy: dict[str, Any]
    scheduler: str
    trials: int


def idle(count: int, options: int = 3) -> dict[str, Any]:
    """Decisions that do nothing."""
    return {f"n{place}": choice(*range(options)) for place in range(count)}


def hashed(*decided: object) -> float:
    """A rugged landscape: a number of the decisions between 0 and 1."""
    return crc32(repr(decided).encode()) % 10_007 / 10_007


FOUR = ("a", "b", "c", "d")
STEPS = {f"r{place}": choice(0, 1, 2) for place in range(5)}
TRUTHS = {
    "nothing": Truth(Space(idle(10)), lambda a: 0.0, 1.0),
    "big": Truth(Space({"big": choice(*FOUR), **idle(8, 4)}), lambda a: 0.1 * FOUR.index(a["big"]), 0.05, ("big",)),
    "exact": Truth(Space({"big": choice(*FOUR), **idle(8, 4)}), lambda a: 0.1 * FOUR.index(a["big"]), 0.0, ("big",)),
    "steps": Truth(
        Space({**STEPS, **idle(6), "k": integer(1, 16)}),
        lambda a: sum((place + 1) * a[f"r{place}"] for place in range(5)) / 30,
        0.1,
        ("r4", "r3", "r2", "r1", "r0"),
    ),
    "xor": Truth(
        Space({"x": choice(0, 1), "y": choice(0, 1), "r": choice(0, 1, 2), **idle(6)}),
        lambda a: 0.3 * (a["x"] ^ a["y"]) + 0.1 * a["r"],
        0.05,
        ("r", "x", "y"),
        frozenset("xy"),
    ),
    "rugged": Truth(
        Space({**dict(islice(STEPS.items(), 4)), **idle(6)}),
        lambda a: hashed(*(a[f"r{place}"] for place in range(4))),
        0.0,
        ("r0", "r1", "r2", "r3"),
    ),
}
SEARCHES = {
    f"{name}, {scheduler}": Search(strategy, scheduler, trials)
    for name, strategy, trials in (
        ("random", {"name": "random"}, 120),
        ("evolution", {"name": "evolution", "population": 20}, 120),
        ("auto", {"name": "auto"}, 80),
    )
    for scheduler in ("none", "asha")
}


def searched(truth: Truth, search: Search, seed: int, folder: Path) -> nas_tune.Run:
    """One run, in `folder`."""

    def train(architecture: Architecture, seed: int, max_epochs: int) -> Iterator[dict[str, float]]:
        rng = random.Random(seed)
        for epoch in range(max_epochs):
            yield {"accuracy": truth.worth(architecture) * (1 - 0.5 ** (epoch + 1)) + truth.noise * rng.gauss(0, 1)}

    return nas_tune.search(
        truth.space,
        train,
        strategy=search.strategy,
        scheduler=search.scheduler,
        max_trials=search.trials,
        max_epochs=1 if search.scheduler == "none" else EPOCHS,
        executor="inline",
        seed=seed,
        run_dir=folder,
    )


@dataclass(frozen=True)
class Verdict:
    """Of one run: whether it errs, which decisions that matter stand out, and whether the pair does."""

    errs: bool
    found: tuple[bool, ...]
    pair: bool


def judged(found: Importance, truth: Truth) -> Verdict:
    """What an explanation says against what is true."""
    out = set(found.table.loc[found.table["stands_out"], "decision"])
    sure = found.pairs[found.pairs["stands_out"]]
    pairs = {frozenset(pair) for pair in zip(sure["one"], sure["other"], strict=True)}
    errs = bool(out - set(truth.matter)) or any(pair - set(truth.matter) for pair in pairs)
    return Verdict(errs, tuple(name in out for name in truth.matter), truth.pair in pairs)


def verdicts(truth: Truth, search: Search, runs: int, first: int = 0) -> list[Verdict]:
    """Of `runs` seeds from `first` on."""
    found = []
    for seed in range(first, first + runs):
        with tempfile.TemporaryDirectory() as folder:
            found.append(judged(importances(searched(truth, search, seed, Path(folder) / "run"))[0], truth))
    return found


def differing(truth: Truth, search: Search, pairs: int, seeds: int) -> tuple[float, float]:
    """The share of pairs of equal searches that are said to differ, and the share that has a p-value.

    Sides differ in a key of the configuration that changes nothing, so that they are two groups.
    """
    differ = known = 0
    for pair in range(pairs):
        with tempfile.TemporaryDirectory() as folder:
            runs = [
                searched(truth, side, 1000 + 2 * seeds * pair + seeds * place + seed, Path(folder) / f"{place}-{seed}")
                for place, side in enumerate((search, Search(search.strategy, search.scheduler, search.trials + 1)))
                for seed in range(seeds)
            ]
            (test,) = nas_tune.compare(runs).tests.to_dict("records")
            differ += bool(test["differs"])
            known += test["p"] == test["p"]
    return differ / pairs, known / pairs
