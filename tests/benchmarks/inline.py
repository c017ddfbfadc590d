"""Trials a second in one process, where a trial is a look-up in a table and the ledger is on.

    python tests/benchmarks/inline.py

Timed is the whole of `nas_tune.search`: the configuration, the run folder, every proposal, every event, the backup
at the end. Cells of nb201 that compute the same count as one, so a trial takes more than one proposal; the proposals
that repeat are written into the ledger too. Against it, an Optuna study in memory that only asks and tells as often.
"""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from hashlib import blake2b
from itertools import count
from pathlib import Path
from statistics import median

import optuna
from _report import heading, line, seconds_of

import nas_tune
import search_spaces
from search_spaces import Architecture

SPACE = search_spaces.get("nb201")
TRIALS = {"random": 2000, "evolution": 1000, "tpe": 150}
AT_LEAST = {"random": 500}
SAMPLERS: dict[str, Callable[[], optuna.samplers.BaseSampler]] = {
    "random": lambda: optuna.samplers.RandomSampler(seed=0),
    "tpe": lambda: optuna.samplers.TPESampler(seed=0, multivariate=True, group=True),
}
ROUNDS = 3
WORTH = {"none": 0.0, "skip_connect": 0.4, "avg_pool_3x3": 0.3, "nor_conv_1x1": 0.7, "nor_conv_3x3": 1.0}


def quality(cell: Architecture) -> float:
    """An accuracy that strategies can climb, with some noise of the architecture's own."""
    noise = blake2b(SPACE.to_string(cell).encode(), digest_size=2).digest()
    return sum(WORTH[op] for op in cell.values()) / 6 + int.from_bytes(noise) / 2**16 / 10


TABLE = {SPACE.to_string(cell): quality(cell) for cell in SPACE.enumerate()}


def look_up(architecture: Architecture) -> Iterator[dict[str, float]]:
    yield {"accuracy": TABLE[SPACE.to_string(architecture)]}


def search(strategy: str, trials: int, folder: Path) -> nas_tune.Run:
    return nas_tune.search(
        SPACE,
        look_up,
        strategy=strategy,
        scheduler="none",
        max_trials=trials,
        max_epochs=1,
        executor="inline",
        run_dir=folder,
    )


def bare_optuna(sampler: optuna.samplers.BaseSampler, asks: int) -> None:
    study = optuna.create_study(sampler=sampler, direction="maximize")
    for _ in range(asks):
        trial = study.ask()
        study.tell(trial, TABLE[SPACE.to_string(SPACE.suggest(trial))])


def measure(strategy: str, trials: int, folders: Iterator[Path]) -> None:
    search(strategy, 20, next(folders))
    ours, bare, asked = [], [], 0
    for _ in range(ROUNDS):
        folder = next(folders)
        ours.append(seconds_of(partial(search, strategy, trials, folder)))
        asked = nas_tune.open_run(folder).state.asked
        if strategy in SAMPLERS:
            bare.append(seconds_of(partial(bare_optuna, SAMPLERS[strategy](), asked)))
    note = f"{asked / median(ours):,.0f} proposals/s ({asked} for {trials} trials)"
    line(strategy, trials / median(ours), "trials/s", note, at_least=AT_LEAST.get(strategy))
    if bare:
        line(f"  {strategy}, time of bare Optuna's ask and tell = 1", median(ours) / median(bare), "x")


def main() -> None:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
    heading("inline, a table look-up of nb201 a trial, ledger on")
    with tempfile.TemporaryDirectory() as scratch:
        folders = (Path(scratch) / str(number) for number in count())
        for strategy, trials in TRIALS.items():
            measure(strategy, trials, folders)


if __name__ == "__main__":
    main()
