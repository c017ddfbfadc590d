"""A run of 10,000 trials of 9 epochs: to ask it, to open it, to resume it.

    python tests/benchmarks/scale.py

The ledger is written directly, thousands of events a transaction, with the metrics that an ImageClassifier reports;
all trials are complete, which is the most to remember. Everything else is the real thing.
The space `cells` is nb201 without its canonical form, which leaves fewer than 10,000; `chain` is the larger one.
"""

from __future__ import annotations

import random
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from statistics import median

from _report import heading, line, percentile, seconds_of

import nas_tune
import search_spaces
from nas_tune.config import SearchConfig
from nas_tune.coordination.coordinator import Coordinator
from nas_tune.ledger import Asked, Ended, Event, Ledger, Reported, RunState, SessionEnded, SessionStarted
from nas_tune.session.description import describe_run
from nas_tune.session.search_setup import SearchSetup
from search_spaces import Architecture, Space
from trainables.trial.session import Outcome

TRIALS, EPOCHS, ASKS = 10_000, 9, 300


def climb(architecture: Architecture) -> Iterator[dict[str, float]]:
    yield {"accuracy": score(architecture)}


def score(architecture: Architecture) -> float:
    return int(architecture.id, 16) / 2**64


def cells() -> Space:
    return Space(search_spaces.get("nb201").declared, name="cells")


def recipe_of(space: Space, folder: Path, trials: int) -> SearchSetup:
    config = SearchConfig(
        space=space.name,
        trainable="climb",
        strategy="evolution",
        max_trials=trials,
        max_epochs=EPOCHS,
        executor="inline",
        run_dir=str(folder),
    )
    return SearchSetup.of(config, space, climb)


def members(space: Space) -> Iterator[Architecture]:
    rng, seen = random.Random(0), set()
    while True:
        architecture = space.sample(rng)
        if architecture.id not in seen:
            seen.add(architecture.id)
            yield architecture


def events_of(trial: int, architecture: Architecture) -> Iterator[Event]:
    yield Asked(trial, trial, architecture.tree, architecture.id, trial)
    best = score(architecture)
    for epoch in range(1, EPOCHS + 1):
        value = best * (1 - 0.5**epoch)
        metrics = {
            "accuracy": value,
            "loss": 1.0 / epoch,
            "train_loss": 0.9 / epoch,
            "train_accuracy": value * 0.99,
            "lr": 0.05 / epoch,
            "parameters": 73306,
            "macs": 1_234_567,
            "model_bytes": 293224,
        }
        yield Reported(trial, epoch, metrics, 0.321, "worker-1/0123abcd")
    yield Ended(trial, "complete", best * (1 - 0.5**EPOCHS))


def write_run(space: Space, folder: Path, trials: int) -> None:
    folder.mkdir(parents=True)
    with closing(Ledger.create(folder, describe_run(recipe_of(space, folder, trials)))) as ledger:
        ledger.append(SessionStarted("here", 1, {}))
        batch: list[Event] = []
        for trial, architecture in zip(range(trials), members(space), strict=False):
            batch.extend(events_of(trial, architecture))
            if len(batch) > 5000:
                ledger.append(*batch)
                batch.clear()
        ledger.append(*batch, SessionEnded("done"))


class FirstAsk:
    """When the resumed run asked for its first trial."""

    def __init__(self) -> None:
        self.at = 0.0

    def on_event(self, event: Event, state: RunState) -> None:
        if isinstance(event, Asked) and not self.at:
            self.at = time.perf_counter()


def coordinator_of(ledger: Ledger, space: Space, folder: Path) -> Coordinator:
    recipe = recipe_of(space, folder, 10 * TRIALS)
    return Coordinator(
        ledger,
        space=recipe.space,
        proposer=recipe.proposer(),
        scheduler=recipe.scheduler(),
        objective=recipe.objectives,
        budget=recipe.budget,
        seed=recipe.config.seed,
    )


def asks_and_tells(coordinator: Coordinator) -> tuple[list[float], list[float]]:
    """Seconds of each ask, and of each tell (a report that ends the trial), ledger included."""
    asks, tells = [], []
    for _ in range(ASKS):
        started = time.perf_counter()
        assignment = coordinator.ask()
        asked = time.perf_counter()
        if assignment is None:
            break
        outcome = Outcome(1, {"accuracy": score(assignment.architecture)}, 0.1, finished=True)
        coordinator.report(assignment.trial, outcome)
        asks.append(asked - started)
        tells.append(time.perf_counter() - asked)
    return asks, tells


def ask_and_tell(space: Space, folder: Path, trials: int) -> float:
    """Prints the figures and returns the median of both together; the run is longer afterwards."""
    with closing(Ledger.open(folder)) as ledger:
        asks, tells = asks_and_tells(coordinator_of(ledger, space, folder))
    both = [a + t for a, t in zip(asks, tells, strict=True)]
    note = f"p99 {percentile(both, 0.99) * 1e3:.1f}; ask alone {median(asks) * 1e3:.1f}, tell {median(tells) * 1e3:.1f}"
    line(f"ask + tell at {trials:,} trials, median", median(both) * 1e3, "ms", note, at_most=50)
    return median(both)


def reopen(folder: Path) -> None:
    started = time.perf_counter()
    run = nas_tune.open_run(folder)
    trials = run.trials()
    known = time.perf_counter()
    epochs = run.epochs()
    done = time.perf_counter()
    size = (
        f"{len(trials):,} and {len(epochs):,} rows, {folder.joinpath('ledger.sqlite').stat().st_size / 2**20:.0f} MiB"
    )
    note = f"{known - started:.2f} s to the trials, {done - known:.2f} s more to the epochs; {size}"
    line("open_run + trials() + epochs()", done - started, "s", note, at_most=5)


def resume(space: Space, folder: Path) -> None:
    first = FirstAsk()
    started = time.perf_counter()
    whole = seconds_of(
        lambda: nas_tune.resume(folder, space=space, trainable=climb, max_trials=TRIALS + 1, observers=[first])
    )
    line("resume, until it has asked again", first.at - started, "s", f"{whole:.2f} s to its end", at_most=5)


def measure(space: Space, scratch: Path) -> None:
    heading(f"{space.name}, {len(space.parameters)} parameters at most, evolution, {EPOCHS} epochs a trial")
    small, large = scratch / "small", scratch / "large"
    write_run(space, small, 100)
    write_run(space, large, TRIALS)
    shutil.copytree(large, scratch / "asked")
    reopen(large)
    resume(space, large)
    before = ask_and_tell(space, small, 100)
    after = ask_and_tell(space, scratch / "asked", TRIALS)
    line("  at the large study, at the small one = 1", after / before, "x")


def main() -> None:
    for space in (cells(), search_spaces.get("chain")):
        with tempfile.TemporaryDirectory() as scratch:
            measure(space, Path(scratch))


if __name__ == "__main__":
    main()
