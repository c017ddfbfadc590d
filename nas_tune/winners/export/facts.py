"""What is known of an exported network, from the ledger and from the network itself; what is not known is None."""

from __future__ import annotations

import math
import os
import platform
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
import torch

from nas_tune.config.references import current
from nas_tune.results import Run
from nas_tune.results.architectures import space_of, writer
from nas_tune.session.recipe import versions
from search_spaces.errors import NasTuneError
from trainables.costs.cost import Cost, cost_of
from trainables.export import Deployed
from trainables.protocol import Evaluating, Trainable
from trainables.tasks.image_classifier import ImageClassifier

__all__ = ["Facts", "Source", "gather_facts", "machine", "supernet_parameters"]

_TEST_APART = ("trainables.tasks.image_classifier:ImageClassifier", "trainables.supernet.trainable:DartsTrainable")
"""Trainables whose trials are known not to see the test split."""


@dataclass(frozen=True)
class Source:
    """Where weights come from.

    Attributes:
        held: the trainable that has them.
        run: that trained them: the search itself, or its retraining.
        trials: of that run, the one with these weights first, then those of the same architecture with other seeds.
        origin: in words.
        retrained: whether that was a training from scratch (`nas-tune retrain`).
        recipe: of such a training, the trainable ("of") and its settings.
    """

    held: Trainable
    run: Run
    trials: tuple[int, ...]
    origin: str
    retrained: bool
    recipe: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_classifier(self) -> bool:
        """Whether `ImageClassifier` itself trained and judged: then it is known on which parts of which data."""
        kind = type(self.held)
        return isinstance(self.held, ImageClassifier) and all(
            getattr(kind, name) is getattr(ImageClassifier, name) for name in ("setup", "step", "evaluate")
        )


@dataclass(frozen=True)
class Facts:
    """All that the card says."""

    run: str
    trial: int
    state: str
    origin: str
    identifier: str
    written: str
    seed: int
    epochs: int
    seconds: float
    nodes: tuple[str, ...]
    reported: Mapping[str, float]
    """Metrics of the last epoch, as the trainable called them; of the test split none but by their names."""
    test: Mapping[str, float] | None
    test_problem: str
    seeds: Mapping[str, tuple[float, float, int]]
    """Of a reported metric: mean and standard deviation over trainings with other seeds, and their number."""
    trainings: int
    """How many of them there are."""
    is_classifier: bool
    """As `Source.is_classifier`."""
    searched_without_test: bool
    """Whether the trials of the search are known not to see the test split."""
    valued: int
    """How many trials of the search have a value."""
    retrained: bool
    recipe: Mapping[str, Any]
    spread: Mapping[str, tuple[float, float, int]]
    """Of the test accuracy: the ends of its 95 % interval, and how many examples it is from."""
    config: Mapping[str, Any]
    counts: Mapping[str, int]
    all_epochs: int
    all_seconds: float
    cost: Cost | None
    supernet_parameters: int | None
    """Of the supernet in which the architecture was found."""
    deployed: Deployed
    trained_with: Mapping[str, str]
    exported_with: Mapping[str, str]
    exported_on: str


def gather_facts(run: Run, trial: int, deployed: Deployed, source: Source) -> Facts:
    """Everything of `trial` of the search `run` and of the weights; measures the test split, if what holds them can."""
    trials, epochs = run.trials(), run.epochs()
    theirs, course = source.run.trials(), source.run.epochs()
    row = theirs[theirs["trial"] == source.trials[0]].iloc[0]
    mine = course[course["trial"] == source.trials[0]]
    test, problem = _tested(source.held)
    examples, reported = deployed.splits.get("test", 0), _metrics(row, source.run, mine)
    return Facts(
        run=run.path.name,
        trial=trial,
        state=str(row["state"]),
        origin=source.origin,
        identifier=str(trials.loc[trials["trial"] == trial, "architecture_id"].iloc[0]),
        written=writer(space_of(run))(run.tree(trial)),
        seed=int(row["seed"]),
        epochs=int(row["epochs"]),
        seconds=float(row["seconds"]),
        nodes=tuple(sorted({str(node) for node in mine["node"].dropna()})),
        reported=reported,
        seeds=_over_seeds(theirs, source.trials, reported),
        trainings=len(source.trials),
        is_classifier=source.is_classifier,
        searched_without_test=_searched_without_test(run, source),
        valued=int(trials["value"].notna().sum()),
        retrained=source.retrained,
        recipe=source.recipe,
        test=test,
        test_problem=problem,
        spread=_spread(test, examples) if source.is_classifier else {},
        config=run.config.to_dict(),
        counts=run.state.counts,
        all_epochs=len(epochs),
        all_seconds=float(trials["seconds"].sum()),
        cost=_cost(deployed),
        supernet_parameters=supernet_parameters(run, trial),
        deployed=deployed,
        trained_with=dict(source.run.meta.get("versions", {})),
        exported_with=dict(versions()),
        exported_on=machine(),
    )


def _searched_without_test(run: Run, source: Source) -> bool:
    if not source.retrained:
        return source.is_classifier
    return current(run.meta["trainable"]["reference"] or "") in _TEST_APART


def _tested(held: Trainable) -> tuple[Mapping[str, float] | None, str]:
    if not isinstance(held, Evaluating):
        return None, f"{type(held).__name__} has no evaluate(split)"
    try:
        return {name: float(value) for name, value in held.evaluate("test").items()}, ""
    except NasTuneError as error:
        return None, str(error)


def _metrics(row: pd.Series[Any], run: Run, epochs: pd.DataFrame) -> dict[str, float]:
    """The metrics of the last epoch, those that are optimized first."""
    fixed = {"trial", "epoch", "time", "seconds", "node", "state", "architecture_id"}
    names = [str(name) for name in epochs if name not in fixed and not str(name).startswith("arch.")]
    first = [one.metric for one in run.objectives]
    ordered = [*first, *(name for name in names if name not in first)]
    return {name: float(row[name]) for name in ordered if name in row and pd.notna(row[name])}


def _over_seeds(
    trials: pd.DataFrame, numbers: tuple[int, ...], metrics: Iterable[str]
) -> dict[str, tuple[float, float, int]]:
    """What the last epochs of a retraining tell of each metric, where there are two seeds or more."""
    mine = trials[trials["trial"].isin(numbers)]
    if len(mine) < 2:
        return {}
    columns = {name: mine[name].dropna().astype(float) for name in metrics if name in mine}
    return {name: (float(values.mean()), float(values.std()), len(values)) for name, values in columns.items()}


def _spread(test: Mapping[str, float] | None, examples: int) -> dict[str, tuple[float, float, int]]:
    """Wilson's interval (1927) of an accuracy: how far other test examples could move it."""
    share = (test or {}).get("accuracy")
    if share is None or not 0 <= share <= 1 or examples < 1:
        return {}
    z = 1.96
    middle = (share + z * z / (2 * examples)) / (1 + z * z / examples)
    half = z / (1 + z * z / examples) * math.sqrt(share * (1 - share) / examples + z * z / (4 * examples**2))
    return {"accuracy": (middle - half, middle + half, examples)}


def _cost(deployed: Deployed) -> Cost | None:
    try:
        return cost_of(deployed.network, deployed.inputs[:1])
    except (RuntimeError, NotImplementedError, TypeError, ValueError):
        return None  # what cannot run on the meta device cannot be counted there


def supernet_parameters(run: Run, trial: int) -> int | None:
    """The parameters of the supernet in which a trial found its architecture; None where it searched in none."""
    trials = run.trials()
    if not run.searches or "supernet_parameters" not in trials:
        return None
    found = trials.loc[trials["trial"] == trial, "supernet_parameters"].dropna()
    return None if found.empty else int(found.iloc[0])


def machine() -> str:
    """This machine in words: its processors, its GPU, its system."""
    model = ""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    except OSError:
        model = platform.processor()
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU"
    return (
        f"{model or platform.machine()}, {os.cpu_count()} processors, {gpu}, {platform.system()} {platform.machine()}"
    )
