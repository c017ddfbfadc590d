"""What a trial on Ray costs that trains nothing: nas_tune against Ray Tune by itself, on one Ray that is up already.

    python tests/benchmarks/overhead.py

* ours: `nas_tune.search`, strategy random, no scheduler, one epoch a trial, the ledger on; the whole call.
* raw: a class trainable on `Tuner.fit`, `reuse_actors=True`, no loggers, an Optuna study asked and told by a
  searcher that keeps as many trials in flight; the same space, workers and environment variables, so its snapshots
  are off as ours are. It reports one number and remembers nothing: no ledger, no duplicates.
* defaults: a function that reports once, `OptunaSearch`, `num_samples`; fewer trials, for each starts its worker.

Starting Ray and shutting it down is not in the figures, starting the workers is.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import count
from pathlib import Path
from statistics import median
from typing import Any

import optuna
from _report import heading, line, seconds_of
from ray import tune
from ray.tune.search import Searcher
from ray.tune.search.optuna import OptunaSearch

import nas_tune
import search_spaces
from nas_tune.executors.ray_cluster import TrialResources, cluster
from search_spaces import Architecture, Space

TRIALS, DEFAULT_TRIALS, ROUNDS = 200, 6, 3
# Without the canonical form of nb201: no proposal repeats another one but by chance.
SPACE = Space(search_spaces.get("nb201").declared, name="cells")
OURS = ("TUNE_", "RAY_CHDIR_TO_TRIAL_DIR")


def ours(architecture: Architecture) -> Iterator[dict[str, float]]:
    yield {"accuracy": len(architecture["edge_0_1"]) / 12}


class Raw(tune.Trainable):
    def setup(self, config: dict[str, Any]) -> None:
        self.reset_config(config)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        self.architecture = new_config["architecture"]
        return True

    def step(self) -> dict[str, Any]:
        return {"accuracy": len(self.architecture["edge_0_1"]) / 12, "done": True}


class AskAndTell(Searcher):
    """Optuna's random sampler, `workers` trials in flight."""

    def __init__(self, workers: int) -> None:
        super().__init__(metric="accuracy", mode="max")
        self.study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0), direction="maximize")
        self.workers = workers
        self.running: dict[str, optuna.Trial] = {}

    def suggest(self, trial_id: str) -> dict[str, Any] | None:
        if len(self.running) >= self.workers:
            return None
        trial = self.running[trial_id] = self.study.ask()
        return {"trial": trial.number, "architecture": SPACE.suggest(trial).tree, "seed": trial.number}

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        trial = self.running.pop(trial_id)
        if error or result is None:
            raise RuntimeError(f"trial {trial.number} failed, and the comparison with it")
        self.study.tell(trial, result["accuracy"])

    def save(self, checkpoint_path: str) -> None: ...

    def restore(self, checkpoint_path: str) -> None: ...


def by_function(config: dict[str, Any]) -> None:
    tune.report({"accuracy": len(config["edge_0_1"]) / 12})


def search(workers: int, folder: Path, trials: int = TRIALS) -> None:
    run = nas_tune.search(
        SPACE,
        ours,
        strategy="random",
        scheduler="none",
        max_trials=trials,
        max_epochs=1,
        workers=workers,
        run_dir=folder,
    )
    check(run.state.counts["complete"], trials)


def raw(workers: int, folder: Path, trials: int = TRIALS) -> None:
    os.environ["TUNE_MAX_PENDING_TRIALS_PG"] = str(workers)
    found = tune.Tuner(
        tune.with_resources(Raw, {"cpu": 1}),
        tune_config=tune.TuneConfig(search_alg=AskAndTell(workers), num_samples=trials, reuse_actors=True),
        run_config=tune.RunConfig(
            name="raw",
            storage_path=str(folder),
            checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False),
            verbose=0,
        ),
    ).fit()
    check(found.num_terminated, trials)


def defaults(workers: int, folder: Path) -> None:
    with without_our_settings():
        found = tune.Tuner(
            by_function,
            param_space=SPACE.to_tune(),
            tune_config=tune.TuneConfig(
                search_alg=OptunaSearch(metric="accuracy", mode="max", seed=0),
                num_samples=DEFAULT_TRIALS,
                max_concurrent_trials=workers,
            ),
            run_config=tune.RunConfig(name="defaults", storage_path=str(folder), verbose=0),
        ).fit()
    check(found.num_terminated, DEFAULT_TRIALS)


def check(finished: int, wanted: int) -> None:
    """A comparison with trials that failed would say nothing."""
    if finished != wanted:
        raise RuntimeError(f"{finished} of {wanted} trials finished")


@contextmanager
def without_our_settings() -> Iterator[None]:
    before = {name: value for name, value in os.environ.items() if name.startswith(OURS)}
    for name in before:
        del os.environ[name]
    try:
        yield
    finally:
        os.environ.update(before)


def measure(workers: int, folders: Iterator[Path]) -> None:
    times: dict[str, list[float]] = {"ours": [], "raw": []}
    alternatives: dict[str, Callable[..., None]] = {"ours": search, "raw": raw}
    for run in alternatives.values():
        run(workers, next(folders), 4)  # imports, and Ray's first worker processes
    for _ in range(ROUNDS):
        for name, run in alternatives.items():
            times[name].append(seconds_of(partial(run, workers, next(folders))) / TRIALS)
    default = seconds_of(partial(defaults, workers, next(folders))) / DEFAULT_TRIALS
    mine, reused = median(times["ours"]), median(times["raw"])
    heading(f"{workers} worker{'s' * (workers > 1)}, {TRIALS} trials, median of {ROUNDS} interleaved runs")
    line("ours", mine * 1e3, "ms a trial")
    line("Ray Tune, actors reused, no loggers", reused * 1e3, "ms a trial")
    line("Ray Tune's defaults", default * 1e3, "ms a trial", f"of {DEFAULT_TRIALS} trials")
    line("ours / actors reused", mine / reused, "x", at_most=1.25)
    line("defaults / ours", default / mine, "x", at_least=25)


def main() -> None:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    with tempfile.TemporaryDirectory() as scratch, cluster(None, 2, TrialResources()):
        folders = (Path(scratch) / str(number) for number in count())
        for workers in (1, 2):
            measure(workers, folders)


if __name__ == "__main__":
    main()
